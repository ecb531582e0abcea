//! Trained and pretrained networks beside PyTorch, on the same sizes and one thread.
//!
//! Start reading at [`case`], what is compared; [`ours`] runs it here, [`table`] sets both sides beside each other.

pub mod case;
pub mod ours;
pub mod table;
