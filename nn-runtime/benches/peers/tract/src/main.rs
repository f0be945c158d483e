//! tract: inference from ONNX. `PEERS_ONNX` is the folder that `python/export_onnx.py` wrote.

use common::{Run, Task};
use tract_onnx::prelude::*;

fn main() -> TractResult<()> {
    let run = Run::new("tract", "0.23.9");
    let workload = run.workload;
    if workload.task != Task::Infer {
        run.skip("does not train")
    }
    if run.threads > 1 {
        run.skip("has one thread")
    }
    let Ok(folder) = std::env::var("PEERS_ONNX") else { run.skip("there are no ONNX files") };
    let file = format!("{folder}/{}.onnx", workload.name);
    let model = tract_onnx::onnx().model_for_path(file)?.into_optimized()?.into_runnable()?;
    let shape = [workload.examples, workload.features()];
    let inputs: TValue = Tensor::from_shape(&shape, &workload.data().0)?.into();
    let outputs = model.run(tvec!(inputs.clone()))?;
    let outputs = outputs[0].to_plain_array_view::<f32>()?;
    let check = outputs.iter().take(workload.outputs()).fold(0.0, |most: f32, &y| most.max(y));
    run.report(f64::from(check), "", |count| {
        for _ in 0..count {
            std::hint::black_box(model.run(tvec!(inputs.clone())).unwrap());
        }
    });
    Ok(())
}
