//! The same training on wgpu. It runs in a child process: a software driver may crash, and a process starts one runtime.

use atsre_domain::model::Device;
use atsre_forecast_deep::device;

use crate::child;
use crate::fixture::{forecast_recorded, integer, job, noisy_sine, panel};

const NAME: &str = "gpu::a_training_on_wgpu_agrees_with_the_processor";

#[test]
fn a_training_on_wgpu_agrees_with_the_processor() {
    let mut job = job(
        panel(vec![noisy_sine(300, 0.5, 40)]),
        &[("steps", integer(3)), ("hidden", integer(32)), ("batch_size", integer(16))],
    );
    job.seed = 1_040;
    if child::is_child(NAME) {
        if device::adapters().is_empty() {
            println!("no-adapter=true");
            return;
        }
        job.spec.device = Device::Gpu;
        let (result, history) = forecast_recorded(&job).unwrap();
        println!("losses={:?}", history.losses);
        println!("median={:?}", result.forecasts[0].quantiles[2]);
        return;
    }
    // The Vulkan loader wants a directory for its cache; drivers look for the icds by themselves.
    let directory = std::env::temp_dir();
    let output = child::run(NAME, &[("XDG_RUNTIME_DIR", directory.to_str().unwrap())]);
    if child::value(&output, "no-adapter").is_some() {
        println!("skipped: this machine has no adapter for Vulkan, Metal or DirectX 12");
        return;
    }
    let numbers = |key| {
        let text = child::value(&output, key).unwrap_or_else(|| {
            panic!(
                "the child died: {}\n{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
        });
        let clean: String = text.chars().map(|c| if "()[]".contains(c) { ' ' } else { c }).collect();
        clean.split(',').map(|n| n.trim().parse().unwrap()).collect::<Vec<f64>>()
    };
    let (result, history) = forecast_recorded(&job).unwrap();
    let gpu = numbers("losses");
    let cpu: Vec<f64> = history.losses.iter().flat_map(|(step, loss)| [*step as f64, *loss]).collect();
    // Before any update only the order of f32 sums differs; after three updates Adam has enlarged it a little.
    assert!((gpu[1] - cpu[1]).abs() < 1e-5 * cpu[1], "first loss {} on wgpu, {} on the processor", gpu[1], cpu[1]);
    assert!((gpu[3] - cpu[3]).abs() < 1e-3 * cpu[3], "last loss {} on wgpu, {} on the processor", gpu[3], cpu[3]);
    for (a, b) in numbers("median").iter().zip(&result.forecasts[0].quantiles[2]) {
        assert!((a - b).abs() < 1e-2 * b.abs(), "forecast {a} on wgpu, {b} on the processor");
    }
}
