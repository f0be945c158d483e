#[test]
fn show() {
    let only = std::env::var("M").ok();
    for f in nn_tests::model_files() {
        if only.as_ref().is_some_and(|o| *o != f.name) {
            continue;
        }
        println!("=== {}", f.name);
        let r = std::panic::catch_unwind(|| {
            let plan = nn_tests::plan(&f.tokens);
            (nn_compiler::emit::rust::text(&plan), nn_compiler::expand(f.tokens.clone()).to_string().len())
        });
        if let Ok((t, n)) = r {
            if only.is_some() {
                let plan = nn_tests::plan(&f.tokens);
                let x = nn_compiler::texts(&plan);
                println!("{t}\n{}\n{}\n{}\n{}", x.summary, x.explanation, x.dot, x.latex);
            }
            println!("{n}");
        }
    }
}
