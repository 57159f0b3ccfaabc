//! What is drawn for people and scripts.

pub mod facts;
