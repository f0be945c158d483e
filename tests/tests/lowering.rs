//! What surrounds the code that computes: `infer` for every kind of input and output, several models and
//! functions in one macro, models in functions and modules, another name for the runtime.

extern crate nn_runtime as engine;

use ndarray::Array2;
use nn_runtime::prelude::*;
use nn_tests::case::{cast, noise};

nn_model! {
    /// Scalars, vectors, matrices and a tensor of rank 3, in and out.
    model Everything(s, v: [3], m: [2, 3], t: [2, 1, 2]) -> (a, b: [2], c: [3, 2], d: [1, 2, 2]) {
        param w: [2, 3], k;
        a = s * k + sum(v);
        b = m @ v + w @ v;
        c = transpose(m) * s + t[0];
        d = reshape(t * k, [1, 2, 2]);
    }

    /// In lanes.
    model Scalars(x, z) -> (a, b) {
        param w, v;
        a = shifted(x * w, z);
        b = shifted(z, v);
    }

    /// One vector in, one matrix out, in double precision.
    pub(crate) model Single<f64>(x: [2]) -> y: [2, 3] {
        y = outer(x, dense(x, 3));
    }

    fn shifted(x, by) {
        tanh(x) + by
    }
}

/// One row of some numbers.
fn row<T>(values: Vec<T>) -> Array2<T> {
    Array2::from_shape_vec((1, values.len()), values).expect("one row")
}

#[test]
fn infer_is_a_row_of_predict() {
    let model = Everything::new(3);
    let x: Vec<f32> = cast(&noise(1, 14));
    let m = [[x[4], x[5], x[6]], [x[7], x[8], x[9]]];
    let t = [[[x[10], x[11]]], [[x[12], x[13]]]];
    let (a, b, c, d) = model.infer(x[0], &[x[1], x[2], x[3]], &m, &t);
    let inferred: Vec<f32> = [&[a], &b[..], c.as_flattened(), d.as_flattened().as_flattened()].concat();
    assert_eq!(inferred, model.predict(row(x).view()).expect("one row").into_raw_vec_and_offset().0);

    let model = Scalars::new(3);
    let (a, b) = model.infer(0.3, -0.7);
    assert_eq!(row(vec![a, b]), model.predict(row(vec![0.3, -0.7]).view()).expect("one row"));

    let model = Single::new(3);
    let y: [[f64; 3]; 2] = model.infer(&[0.3, -0.7]);
    let predicted = model.predict(row(vec![0.3, -0.7]).view()).expect("one row");
    assert_eq!(y.as_flattened(), predicted.as_slice().expect("a row lies in one piece"));
}

/// `infer` is compiled on its own; the tile's other rows must not matter to a batch either.
#[test]
fn rows_do_not_depend_on_their_batch() {
    let model = Everything::new(3);
    let inputs: Vec<f32> = cast(&noise(1, 70 * 14));
    let inputs = Array2::from_shape_vec((70, 14), inputs).expect("70 rows");
    let all = model.predict(inputs.view()).expect("70 rows");
    for (input, output) in inputs.rows().into_iter().zip(all.rows()) {
        let alone = model.predict(row(input.to_vec()).view()).expect("one row");
        assert_eq!(alone.row(0), output);
    }
}

#[test]
fn a_function_makes_its_own_parameters_at_each_call() {
    let names: Vec<&str> = Single::PARAMS.iter().map(|param| param.name).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!((Scalars::PARAM_COUNT, Everything::PARAM_COUNT, Single::PARAM_COUNT), (2, 7, 9));
}

/// A model is an item: it may stand in a function, beside another of the same name elsewhere.
#[test]
fn models_live_in_functions_and_modules() {
    mod inner {
        use nn_runtime::nn_model;

        nn_model! {
            pub model Scalars(x) -> y {
                param w = 2;
                y = x * w;
                loss mse(y, target);
            }
        }
    }

    nn_model! {
        model Local(x) -> y {
            param w = 3, b;
            y = x * w + b;
            loss mse(y, target);
        }
    }
    assert_eq!(inner::Scalars::new(1).infer(4.0), 8.0);
    assert_eq!(Local::new(1).infer(4.0), 12.0);
}

/// The short form is an expression, wherever expressions stand.
#[test]
fn the_short_form_is_an_expression() {
    let outputs: Vec<f32> =
        [1, 2].into_iter().map(|_| nn_model!(y = x1 * w1 + relu(x2) + b).infer(0.0, 5.0)).collect();
    assert_eq!(outputs, [5.0, 5.0]);
}

/// The runtime may have another name where the model is.
#[test]
fn the_runtime_can_be_renamed() {
    use engine::nn_model as build;

    build! {
        #[crate = crate::engine]
        model Renamed(x: [2]) -> p: [2] {
            p = softmax(dense(x, 2));
            loss cross_entropy(p, target);
        }
    }
    let p = Renamed::new(1).infer(&[0.5, -0.5]);
    assert!((p[0] + p[1] - 1.0).abs() < 1e-6);
}

/// Local names do not reach into the emitted code, nor its names out of it.
#[test]
fn names_around_a_model_do_not_matter() {
    #![allow(dead_code)]
    type Lanes = ();
    type Simd = ();
    struct Activation;
    fn forward() {}
    fn exp() {}
    nn_model! {
        model Inside(x) -> y {
            param w = 1;
            y = exp(x * w);
            loss mse(y, target);
        }
    }
    assert!((Inside::new(1).infer(1.0) - std::f32::consts::E).abs() < 1e-6);
}

nn_model! {
    /// Rosenblatt's perceptron: a step, which predicts and has no derivative.
    model Perceptron(x: [2]) -> y {
        param w: [2], b;
        y = dot(x, w) + b > 0;
    }
}

#[test]
fn a_model_without_a_derivative_predicts() {
    let mut model = Perceptron::new(1);
    model.params.w = [1.0, -2.0];
    model.params.b = 0.5;
    assert_eq!([model.infer(&[1.0, 0.0]), model.infer(&[0.0, 1.0])], [1.0, 0.0]);
    let why = "no pullback of the outputs: `>` has no derivative";
    assert!(Perceptron::SUMMARY.contains(why), "{}", Perceptron::SUMMARY);
}
