//! The macro `nn_model!`: tokens in, [`nn_compiler::expand`], tokens out. Use it through `nn_runtime`.

use proc_macro::TokenStream;

/// Compiles models at compile time: forward pass, exact gradients, and what explains them.
///
/// The language is described in the documentation of `nn_runtime`.
#[proc_macro]
pub fn nn_model(tokens: TokenStream) -> TokenStream {
    nn_compiler::expand(tokens.into()).into()
}
