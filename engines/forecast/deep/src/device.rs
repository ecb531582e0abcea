//! Where a network computes: the processor through burn's flex backend, or a GPU through wgpu, chosen at run time.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use atsre_domain::model;
use burn::tensor::Device;
use burn_wgpu::graphics::AutoGraphicsApi;
use burn_wgpu::{RuntimeOptions, WgpuDevice, wgpu};

use crate::error::Error;

/// A graphics adapter that wgpu can compute on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// The adapter's name, such as `NVIDIA H200`.
    pub name: String,
    /// The graphics interface: `vulkan`, `metal`, `dx12`.
    pub backend: String,
    /// The driver with its version.
    pub driver: String,
    /// A software driver that computes on the processor (lavapipe, SwiftShader, WARP): right, but slower than flex.
    pub software: bool,
}

/// Whether a software driver may stand in for a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftwareAdapter {
    /// Only a real GPU will do.
    Refuse,
    /// A software driver will do; for tests.
    Allow,
}

/// The adapters of this machine that wgpu could compute on, in the order of the drivers.
///
/// OpenGL is left out: its compute shaders lack what the kernels need.
#[must_use]
pub fn adapters() -> Vec<Adapter> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    let instance = wgpu::Instance::new(descriptor);
    finish(instance.enumerate_adapters(backends))
        .iter()
        .map(|adapter| {
            let info = adapter.get_info();
            Adapter {
                software: info.device_type == wgpu::DeviceType::Cpu,
                backend: info.backend.to_string(),
                driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
                name: info.name,
            }
        })
        .collect()
}

/// Opens the device that a model asks for. The GPU runtime is started once a process and then shared.
///
/// # Errors
/// [`Error::DeviceUnavailable`] where a GPU is asked for and there is none, or none that starts.
pub fn open(device: model::Device, software: SoftwareAdapter) -> Result<Device, Error> {
    match device {
        model::Device::Cpu => Ok(Device::flex()),
        model::Device::Gpu => {
            let adapters = adapters();
            if adapters.is_empty() {
                return Err(Error::DeviceUnavailable {
                    reason: "this machine has no adapter for Vulkan, Metal or DirectX 12".to_string(),
                });
            }
            if software == SoftwareAdapter::Refuse && adapters.iter().all(|a| a.software) {
                let names: Vec<_> = adapters.iter().map(|a| a.name.as_str()).collect();
                return Err(Error::DeviceUnavailable {
                    reason: format!(
                        "only software drivers were found ({}), slower than the processor itself",
                        names.join(", ")
                    ),
                });
            }
            started_gpu()
        }
    }
}

/// The process's GPU runtime. burn refuses to start it twice, hence the cell; a failure is kept as well, because
/// a driver that did not start will not start a second later.
fn started_gpu() -> Result<Device, Error> {
    static STARTED: OnceLock<Result<(), Error>> = OnceLock::new();
    let device = WgpuDevice::default();
    STARTED
        .get_or_init(|| {
            let options = RuntimeOptions::try_default().map_err(|e| Error::DeviceUnavailable { reason: e.to_string() })?;
            let setup = burn_wgpu::try_init_setup::<AutoGraphicsApi>(&device, options)
                .map_err(|e| Error::DeviceUnavailable { reason: e.to_string() })?;
            let info = setup.adapter.get_info();
            tracing::info!(adapter = info.name, backend = %info.backend, driver = info.driver, "the GPU runtime started");
            Ok(())
        })
        .clone()?;
    Ok(Device::new(device))
}

/// Runs work on a device. burn and the graphics drivers panic where they cannot go on (a refused allocation, a lost
/// device); on a GPU that is the device's failure, not a defect of ours.
///
/// # Errors
/// Those of `work`, and [`Error::DeviceOutOfMemory`] or [`Error::DeviceFailed`] where it panicked on a GPU.
pub(crate) fn guarded<T>(device: model::Device, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    match device {
        model::Device::Cpu => work(),
        model::Device::Gpu => catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Error::device(text.unwrap_or("it panicked without a message")))
        }),
    }
}

/// Runs a future that is ready at once or soon, as wgpu's enumeration is on native platforms.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_on_a_gpu_is_the_devices_failure_and_says_when_memory_ran_out() {
        let guard = |text: &'static str| guarded::<()>(model::Device::Gpu, || panic!("{text}"));
        assert!(matches!(guard("Out of Memory: 3 GiB"), Err(Error::DeviceOutOfMemory { .. })));
        assert!(matches!(guard("device lost"), Err(Error::DeviceFailed { reason }) if reason == "device lost"));
        assert_eq!(guarded(model::Device::Gpu, || Ok(3)), Ok(3));
    }
}
