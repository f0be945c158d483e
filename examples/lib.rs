//! Examples of `nn_model!` on real data, each a file of its own beside this one:
//! `cargo run --release --example logistic_regression`.
