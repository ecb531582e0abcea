//! Where a model computes: on a GPU where that serves, else on the processor.

use crate::catalogue::CatalogueEntry;
use crate::model::Device;
use crate::policy::feasibility::cost_bytes;

/// Of a GPU's free memory, the share that a model may need: the driver and the kernels want some as well.
const GPU_SHARE: f64 = 0.9;

/// A GPU as the machine shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its name, such as `NVIDIA H200`.
    pub name: String,
    /// Its free memory in bytes, where something says it.
    pub free_bytes: Option<u64>,
    /// A driver that computes on the processor (lavapipe, SwiftShader, WARP), slower than the processor by itself.
    pub software: bool,
}

/// A device, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Where it computes.
    pub device: Device,
    /// In words, to follow the device's name.
    pub reason: String,
}

/// Where a model computes on so many observations: on the GPU with the most free memory, where the model can use one and its
/// declared need fits. A GPU whose free memory nobody says is tried; should the memory run out there, healing moves the model.
#[must_use]
pub fn place(entry: &CatalogueEntry, observations: u64, gpus: &[Gpu]) -> Placement {
    let processor = |reason: String| Placement { device: Device::Cpu, reason };
    if !entry.gpu {
        return processor(format!("{} does not use a GPU", entry.name));
    }
    let real = gpus.iter().filter(|gpu| !gpu.software);
    let Some(gpu) = real.max_by_key(|gpu| gpu.free_bytes.unwrap_or(u64::MAX)) else {
        let names: Vec<&str> = gpus.iter().map(|gpu| gpu.name.as_str()).collect();
        return processor(match names.is_empty() {
            true => "there is no GPU for Vulkan, Metal or DirectX 12".to_owned(),
            false => format!("{} is a software driver, slower than the processor itself", names.join(", ")),
        });
    };
    let needed = cost_bytes(entry, observations);
    match gpu.free_bytes {
        Some(free) if !fits(needed, free) => processor(format!(
            "{} needs about {} MiB, and {} has {} MiB free",
            entry.name,
            needed >> 20,
            gpu.name,
            free >> 20
        )),
        Some(free) => Placement {
            device: Device::Gpu,
            reason: format!("{} has {} MiB free, about {} MiB are needed", gpu.name, free >> 20, needed >> 20),
        },
        None => Placement { device: Device::Gpu, reason: format!("{}, whose free memory is not known", gpu.name) },
    }
}

/// Whether a model that declares to need so many bytes may be put on a GPU with so many free.
#[must_use]
pub fn fits(needed_bytes: u64, free_bytes: u64) -> bool {
    needed_bytes as f64 <= GPU_SHARE * free_bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{DeclaredCost, Family};
    use crate::model::Hyperparameters;

    fn network(gpu: bool) -> CatalogueEntry {
        CatalogueEntry {
            name: "nhits",
            framework: "atsre",
            description: "",
            family: Family::Deep,
            known_covariates: false,
            past_covariates: false,
            seasonal: true,
            minimum_length: 1,
            gpu,
            cost: DeclaredCost {
                fixed_seconds: 1.0,
                seconds_per_million: 1.0,
                fixed_bytes: 1 << 30,
                bytes_per_observation: 100,
            },
            defaults: Hyperparameters::new(),
        }
    }

    fn gpu(free_bytes: Option<u64>, software: bool) -> Gpu {
        Gpu { name: "card".to_owned(), free_bytes, software }
    }

    #[test]
    fn a_model_goes_to_the_gpu_that_has_room_for_it() {
        let placed = place(&network(true), 1_000_000, &[gpu(Some(1 << 20), false), gpu(Some(8 << 30), false)]);
        assert_eq!(placed.device, Device::Gpu);
        assert!(placed.reason.contains("8192 MiB free, about 1119 MiB"), "{}", placed.reason);
        assert_eq!(place(&network(true), 10, &[gpu(None, false)]).device, Device::Gpu);
    }

    #[test]
    fn without_a_gpu_that_serves_it_stays_on_the_processor_and_the_reason_says_why() {
        for (entry, gpus, reason) in [
            (network(false), vec![gpu(Some(8 << 30), false)], "does not use a GPU"),
            (network(true), vec![], "no GPU"),
            (network(true), vec![gpu(None, true)], "software driver"),
            (network(true), vec![gpu(Some(1 << 30), false)], "1024 MiB free"),
        ] {
            let placed = place(&entry, 10, &gpus);
            assert_eq!(placed.device, Device::Cpu, "{gpus:?}");
            assert!(placed.reason.contains(reason), "{}", placed.reason);
        }
    }

    #[test]
    fn a_model_that_would_fill_the_card_to_the_brim_does_not_fit() {
        assert!(fits(90, 100) && !fits(91, 100));
        assert!(!fits(1, 0), "no memory is no GPU");
    }
}
