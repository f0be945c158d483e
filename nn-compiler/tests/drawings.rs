//! What the drawings of a graph show, as text, and what all of them keep.

use nn_compiler::build::Program;
use nn_compiler::emit::{dot, mermaid};
use nn_compiler::{compile, parse};

/// Two calls of a function and a loop.
const BLOCKS: &str = "
    pub model Blocks(x: [4]) -> y: [2] {
        h = x;
        for i in 0..2 {
            h = relu(dense(h, 4));
        }
        r = twice(h, 4);
        y = softmax(dense(r, 2));
        loss cross_entropy(y, target);
    }
    fn residual(x, width) { x + dense(x, width) }
    fn twice(x, width) { first = residual(x, width); residual(first, width) }
";

fn program(text: &str) -> Program {
    let text =
        text.split_once("nn_model! {").map_or(text, |(_, rest)| rest.rsplit_once('}').expect("a bracket").0);
    let source = parse::source(text.parse().expect("these are tokens")).expect("this is a model");
    compile(source).expect("the model is right").remove(0).program
}

#[test]
fn calls_and_rounds_are_clusters_of_dot() {
    insta::assert_snapshot!(dot::text(&program(BLOCKS)));
}

#[test]
fn calls_and_rounds_are_subgraphs_of_mermaid() {
    insta::assert_snapshot!(mermaid::text(&program(BLOCKS)));
}

#[cfg(feature = "draw")]
mod laid_out {
    use super::*;
    use nn_compiler::emit::draw::scene::Scene;
    use nn_compiler::emit::draw::{Options, Show, Theme, svg};

    /// The first model of the documentation.
    const LOGISTIC: &str = "
        pub model Logistic(x1, x2) -> y {
            param w1, w2, b;
            y = sigmoid(x1*w1 + x2*w2 + b);
            loss binary_cross_entropy(y, target);
        }
    ";

    const FIFTY: &str = include_str!("../examples/models/fifty_layers.rs");
    const INCEPTION: &str = include_str!("../examples/models/inception.rs");

    fn at_most(text: &str, most: usize) -> Scene {
        Scene::new(&program(text), most)
    }

    /// A scene as lines: boxes with what stands in them, frames around them, edges with their labels.
    fn lines(scene: &Scene) -> String {
        let mut out = String::new();
        for (at, item) in scene.boxes.iter().enumerate() {
            let frame = item.frame.map_or("", |frame| &scene.frames[frame].title);
            let frame = if frame.is_empty() { String::new() } else { format!(" in `{frame}`") };
            let adjoint = item.adjoint.as_ref().map_or("", |adjoint| &adjoint.line);
            out.push_str(&format!("{at} {} {:?} {adjoint}{frame}\n", item.role.class(), item.lines));
        }
        for edge in &scene.edges {
            let back = edge.back.as_ref().map_or("", |back| &back.tip);
            out.push_str(&format!("{} -> {} {} {back}\n", edge.from, edge.to, edge.label));
        }
        out
    }

    #[test]
    fn a_small_model_is_shown_whole() {
        insta::assert_snapshot!(lines(&at_most(LOGISTIC, 40)));
    }

    #[test]
    fn blocks_are_frames() {
        insta::assert_snapshot!(lines(&at_most(BLOCKS, 40)));
    }

    #[test]
    fn blocks_close_from_the_inside_out() {
        insta::assert_snapshot!(lines(&at_most(BLOCKS, 9)));
    }

    #[test]
    fn fifty_layers_are_a_chain() {
        insta::assert_snapshot!(lines(&at_most(FIFTY, 40)));
    }

    #[test]
    fn an_inception_network_is_its_modules() {
        let scene = at_most(INCEPTION, 40);
        assert!(scene.boxes.len() <= 20, "{} boxes", scene.boxes.len());
        insta::assert_snapshot!(lines(&scene));
    }

    /// All values are in exactly one box, and edges lead from box to box.
    #[test]
    fn nothing_is_lost() {
        for text in [LOGISTIC, BLOCKS, FIFTY, INCEPTION] {
            let whole: Vec<_> =
                at_most(text, 100_000).boxes.into_iter().flat_map(|item| item.nodes).collect();
            for most in [1, 9, 40] {
                let scene = at_most(text, most);
                let mut shown: Vec<_> = scene.boxes.iter().flat_map(|item| item.nodes.clone()).collect();
                shown.sort_unstable();
                let mut whole = whole.clone();
                whole.sort_unstable();
                assert_eq!(shown, whole);
                assert!(scene.edges.iter().all(|edge| edge.from != edge.to));
            }
        }
    }

    #[test]
    fn a_drawing_is_deterministic_and_needs_nothing_from_outside() {
        for text in [LOGISTIC, BLOCKS, FIFTY, INCEPTION] {
            for show in [Show::Forward, Show::Backward, Show::Both] {
                for theme in [Theme::Page, Theme::Light, Theme::Dark] {
                    let options = Options { show, theme, ..Options::default() };
                    let drawn = svg(&program(text), &options);
                    assert_eq!(drawn, svg(&program(text), &options));
                    assert_eq!(drawn.matches("http").count(), 1, "the namespace alone");
                    assert!(!drawn.contains("NaN") && !drawn.contains("inf"));
                    assert_eq!(theme == Theme::Page, drawn.contains("var("));
                    let mut ids: Vec<&str> =
                        drawn.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
                    let count = ids.len();
                    ids.sort_unstable();
                    ids.dedup();
                    assert_eq!(ids.len(), count, "an id stands there twice");
                }
            }
        }
    }
}
