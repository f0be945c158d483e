//! Files of models: what is written is read, and nothing else is.

use std::fs;
use std::path::PathBuf;

use nn_runtime::kernels::Real;
use nn_runtime::prelude::*;
use nn_runtime::{Error, checkpoint};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tempfile::TempDir;

use crate::models::{Classifier, Linear, Logistic};
use crate::training::plane;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    (folder, path)
}

fn round_trip<T: Real>() {
    let (folder, path) = folder();
    let model = Classifier::<T>::new(5);
    model.save(&path).unwrap();
    assert_eq!(Classifier::<T>::load(&path).unwrap(), model);

    // Over an existing file, with nothing left beside it.
    let other = Classifier::<T>::new(6);
    other.save(&path).unwrap();
    assert_eq!(Classifier::<T>::load(&path).unwrap(), other);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn models_of_either_precision_return_bit_by_bit() {
    round_trip::<f32>();
    round_trip::<f64>();
}

#[test]
fn a_file_has_a_tensor_for_each_parameter_and_the_name_of_the_model() {
    let (_folder, path) = folder();
    let model = Classifier::<f32>::new(5);
    model.save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 2);
    let weight = file.tensor("z.weight").unwrap();
    assert_eq!((weight.dtype(), weight.shape()), (Dtype::F32, [2, 3].as_slice()));
    let first = f32::from_le_bytes(weight.data()[..4].try_into().unwrap());
    assert_eq!(first, model.params[0]);

    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(metadata.metadata().as_ref().unwrap()["nn-model"], r#"{"model":"Classifier"}"#);

    model.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes, "the same model gives the same bytes");
}

#[test]
fn a_scaler_is_restored_with_its_model() {
    let (_folder, path) = folder();
    let data = plane::<f64>(50);
    let scaler = Scaler::standard().with_targets().fit(&data).unwrap();
    let pipeline = Pipeline::new(Linear::<f64>::new(2), scaler.clone()).unwrap();
    pipeline.save(&path).unwrap();

    let restored = Pipeline::<Linear<f64>>::load(&path).unwrap();
    assert_eq!(restored.scaler(), Some(&scaler));
    assert_eq!(restored.predict(data.inputs()).unwrap(), pipeline.predict(data.inputs()).unwrap());

    let error = Linear::<f64>::load(&path).unwrap_err();
    assert!(matches!(error, Error::ScalerStored { model: "Linear", .. }), "{error}");

    pipeline.model().save_with(&scaler, &path).unwrap();
    assert_eq!(checkpoint::load::<Linear<f64>>(&path).unwrap(), (pipeline.model().clone(), Some(scaler)));
    pipeline.model().save(&path).unwrap();
    assert_eq!(Pipeline::<Linear<f64>>::load(&path).unwrap().scaler(), None);
}

#[test]
fn a_scaler_must_fit_its_model() {
    let wide = Dataset::new(ndarray::array![[1.0, 2.0, 3.0]], ndarray::array![[1.0, 2.0]]).unwrap();
    let scaler = Scaler::standard().fit(&wide).unwrap();
    assert!(matches!(Pipeline::new(Linear::<f64>::new(0), scaler), Err(Error::InputWidth { found: 3, .. })));
    let narrow = Dataset::new(ndarray::array![[1.0, 2.0]], ndarray::array![[1.0, 2.0]]).unwrap();
    let scaler = Scaler::standard().with_targets().fit(&narrow).unwrap();
    assert!(matches!(Pipeline::new(Linear::<f64>::new(0), scaler), Err(Error::ScalerColumns { .. })));
}

#[test]
fn files_of_other_models_are_refused() {
    let (_folder, path) = folder();
    Logistic::<f64>::new(1).save(&path).unwrap();
    let error = Linear::<f64>::load(&path).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("does not hold the weights of `Linear`: missing `w`; unexpected `w1`, `w2`"),
        "{error}"
    );

    Linear::<f32>::new(1).save(&path).unwrap();
    let error = Linear::<f64>::load(&path).unwrap_err();
    assert!(
        matches!(&error, Error::TensorType { tensor: "w", expected: "F64", found, .. } if found == "F32"),
        "{error}"
    );
}

/// Writes the tensors of a `Linear` with these shapes of `w` and `b`, and this metadata.
fn write(path: &PathBuf, w: &[usize], b: &[usize], metadata: Option<&str>) {
    let bytes = [0_u8; 64];
    let tensor = |shape: &[usize]| {
        let len = 8 * shape.iter().product::<usize>();
        TensorView::new(Dtype::F64, shape.to_vec(), &bytes[..len]).unwrap()
    };
    let metadata = metadata.map(|text| [("nn-model".to_owned(), text.to_owned())].into_iter().collect());
    fs::write(path, safetensors::serialize([("w", tensor(w)), ("b", tensor(b))], metadata).unwrap()).unwrap();
}

#[test]
fn shapes_names_and_scales_are_checked() {
    let (_folder, path) = folder();
    write(&path, &[2], &[], None);
    assert_eq!(Linear::<f64>::load(&path).unwrap().params, [0.0; 3], "files of other programs are welcome");

    write(&path, &[2, 1], &[], None);
    let error = Linear::<f64>::load(&path).unwrap_err();
    assert!(error.to_string().ends_with("`w` is [2, 1], but `Linear` needs [2]"), "{error}");

    write(&path, &[2], &[], Some(r#"{"model":"Plane"}"#));
    let error = Linear::<f64>::load(&path).unwrap_err();
    assert!(error.to_string().ends_with("holds the weights of `Plane`, not of `Linear`"), "{error}");

    for broken in [
        "not json",
        r#"{"scaler":null}"#,
        r#"{"model":"Linear","scaler":{"inputs":["x"],"steps":[{"rules":[{"scale":{"center":0.0,"scale":0.0}}]}],"outputs":["x"],"targets":null}}"#,
    ] {
        write(&path, &[2], &[], Some(broken));
        let error = checkpoint::load::<Linear<f64>>(&path).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{broken}: {error}");
    }
}

#[test]
fn damaged_files_are_refused_wherever_they_end() {
    let (_folder, path) = folder();
    Classifier::<f32>::new(5).save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    for len in 0..bytes.len() {
        fs::write(&path, &bytes[..len]).unwrap();
        let error = Classifier::<f32>::load(&path).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "cut to {len} bytes: {error}");
    }
    for garbage in [vec![0xff; 200], [&bytes[..], b"more"].concat()] {
        fs::write(&path, garbage).unwrap();
        assert!(matches!(Classifier::<f32>::load(&path), Err(Error::Corrupt { .. })));
    }
}

#[test]
fn files_that_cannot_be_read_or_written_are_named() {
    let (folder, path) = folder();
    let error = Linear::<f64>::load(&path).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot read `") && error.to_string().contains("model.safetensors")
    );

    let model = Linear::<f64>::new(0);
    let error = model.save(folder.path().join("no/such/folder/m.safetensors")).unwrap_err();
    assert!(matches!(error, Error::File { action: "write", .. }), "{error}");
    assert!(matches!(model.save("/"), Err(Error::File { action: "write", .. })));

    // A folder stands where the file should go: nothing is left beside it.
    fs::create_dir(&path).unwrap();
    assert!(model.save(&path).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn preprocessing_is_restored_with_its_model() {
    use nn_runtime::{Impute, Unseen};

    let (_folder, path) = folder();
    let kinds = ndarray::array![[0.0], [f64::NAN], [1.0], [0.0]];
    let prices = ndarray::array![[1.0], [2.0], [30.0], [1.5]];
    let raw = Dataset::with_missing(kinds.clone(), prices).unwrap().with_feature_names(&["kind"]).unwrap();
    let fitted = Preprocessor::new()
        .impute(["kind"], Impute::MostFrequent)
        .one_hot(["kind"], Unseen::Ignore)
        .log1p_targets()
        .standard_targets()
        .fit(&raw)
        .unwrap();
    let model = Linear::<f64>::new(2);
    Pipeline::new(model.clone(), fitted.clone()).unwrap().save(&path).unwrap();

    let restored = Pipeline::<Linear<f64>>::load(&path).unwrap();
    assert_eq!(restored.scaler(), Some(&fitted));
    let ready = fitted.transform(&raw).unwrap();
    assert_eq!(ready.features(), ["kind=0", "kind=1"]);
    let expected = fitted.inverse_targets(model.predict(ready.inputs()).unwrap().view()).unwrap();
    assert_eq!(restored.predict(kinds.view()).unwrap(), expected, "raw inputs, original units");
    assert!(restored.evaluate(&raw).unwrap().loss.is_finite());
    let error = restored.predict(ready.inputs()).unwrap_err();
    assert!(matches!(error, Error::ScalerColumns { .. }), "{error}");
}
