//! What a cloud remembers: its ports, and what was asked of it.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::paths::{Paths, digest};
use super::services::PORTS;

/// Ports are taken from here: below those that the kernel hands out for outgoing connections.
const FIRST: u16 = 12000;
const LAST: u16 = 31000;
/// Distance between two clouds; there is room for more services.
const BLOCK: u16 = 50;

/// What a cloud remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Port of the first service.
    base: u16,
    /// Names of the services beyond the base that were asked for.
    pub extras: BTreeSet<String>,
}

impl State {
    /// The remembered state, or a new one on free ports.
    pub fn load(paths: &Paths) -> Result<Self> {
        match fs::read(paths.state.join("state.json")) {
            Ok(text) => serde_json::from_slice(&text).context("state.json is damaged: run `devcloud clean`"),
            Err(_) => Ok(Self { base: free_block(paths)?, extras: BTreeSet::new() }),
        }
    }

    /// Whether this directory has held a cloud.
    pub fn exists(paths: &Paths) -> bool {
        paths.state.join("state.json").exists()
    }

    /// Remembers.
    pub fn save(&self, paths: &Paths) -> Result<()> {
        let file = paths.state.join("state.json");
        let partial = file.with_extension("partial");
        fs::write(&partial, serde_json::to_vec_pretty(self)?)?;
        Ok(fs::rename(partial, file)?)
    }

    /// Port of a service.
    pub fn port(&self, name: &str) -> u16 {
        let position = PORTS.iter().position(|known| *known == name);
        // Every name in the tables has a port; a test says so.
        self.base + position.and_then(|position| u16::try_from(position).ok()).unwrap_or(BLOCK - 1)
    }

    /// Takes other ports.
    pub fn move_ports(&mut self, paths: &Paths) -> Result<()> {
        self.base = free_block(paths)?;
        Ok(())
    }
}

/// Whether nobody listens on a port.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The first free block. The search begins at a place that depends on the directory, so that two clouds that start at
/// the same time do not see the same block free.
fn free_block(paths: &Paths) -> Result<u16> {
    let blocks = (LAST - FIRST) / BLOCK;
    let name = digest([paths.state.as_os_str().as_encoded_bytes()]);
    let begin = u16::from_str_radix(&name[..4], 16)? % blocks;
    for step in 0..blocks {
        let base = FIRST + (begin + step) % blocks * BLOCK;
        if (0..u16::try_from(PORTS.len())?).all(|offset| is_free(base + offset)) {
            return Ok(base);
        }
    }
    bail!("no {} free ports in a row between {FIRST} and {LAST}", PORTS.len())
}
