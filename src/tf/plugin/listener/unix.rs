//! The socket file: in a place of its own, closed to everyone else.

use std::fs::{self, DirBuilder, Permissions};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use crate::tf::plugin::Error;
use crate::tf::plugin::handshake::Environment;

/// The file of a bound socket. Dropping it unlinks the file.
pub(super) struct SocketFile {
    path: String,
    /// The directory that was made for it.
    directory: Option<PathBuf>,
}

impl SocketFile {
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // If that fails, somebody has cleaned up already.
        let _ = fs::remove_file(&self.path);
        if let Some(directory) = &self.directory {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Binds a socket where the host wants it, or in a directory that only we may
/// enter. Until its mode is set, nobody else can open it in either place: hosts
/// make a private directory too.
pub(super) fn bind(environment: &Environment) -> Result<(UnixListener, SocketFile), Error> {
    let listen = |address: &Path, source| Error::Listen { address: address.display().to_string(), source };

    let file = match &environment.socket_dir {
        Some(directory) => SocketFile { path: format!("{directory}/plugin{}", unique()), directory: None },
        None => {
            let directory = std::env::temp_dir().join(format!("provider-{}", unique()));
            DirBuilder::new().mode(0o700).create(&directory).map_err(|error| listen(&directory, error))?;
            let path = directory.join("plugin").display().to_string();
            SocketFile { path, directory: Some(directory) }
        }
    };
    let path = PathBuf::from(&file.path);
    let listener = UnixListener::bind(&path).map_err(|error| listen(&path, error))?;

    let mode = match &environment.socket_group {
        None => 0o600,
        Some(group) => {
            let failed = |error: io::Error| Error::Environment {
                variable: "PLUGIN_UNIX_SOCKET_GROUP",
                reason: format!("{group:?}: {error}"),
            };
            let gid = group_id(group).map_err(failed)?;
            chown(&path, None, Some(gid)).map_err(failed)?;
            if let Some(directory) = &file.directory {
                chown(directory, None, Some(gid)).map_err(failed)?;
                fs::set_permissions(directory, Permissions::from_mode(0o750)).map_err(failed)?;
            }
            0o660
        }
    };
    fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(|error| listen(&path, error))?;
    Ok((listener, file))
}

/// A name that no other process picks.
fn unique() -> String {
    format!("{}-{:016x}", std::process::id(), RandomState::new().hash_one(()))
}

/// A group's number. Names come from the local file only: a plugin should not
/// load the system's name services for that, and hosts may pass a number.
fn group_id(group: &str) -> io::Result<u32> {
    if let Ok(gid) = group.parse() {
        return Ok(gid);
    }
    let groups = fs::read_to_string("/etc/group")?;
    groups
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&group))
        .and_then(|fields| fields.get(2)?.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such group in /etc/group"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn mode(path: impl AsRef<Path>) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn keeps_the_socket_private_and_cleans_up() {
        let (listener, file) = bind(&Environment::default()).unwrap();
        let directory = Path::new(file.path()).parent().unwrap().to_owned();
        assert_eq!((mode(file.path()), mode(&directory)), (0o600, 0o700));
        drop((listener, file));
        assert!(!directory.exists());
    }

    #[tokio::test]
    async fn uses_the_directory_and_group_of_the_host() {
        let directory = tempfile::tempdir().unwrap();
        let gid = fs::metadata(directory.path()).unwrap().gid();
        let environment = Environment {
            socket_dir: Some(directory.path().display().to_string()),
            socket_group: Some(gid.to_string()),
            ..Environment::default()
        };
        let (_listener, file) = bind(&environment).unwrap();
        assert_eq!(Path::new(file.path()).parent(), Some(directory.path()));
        assert_eq!((mode(file.path()), fs::metadata(file.path()).unwrap().gid()), (0o660, gid));
        drop(file);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn finds_groups() {
        assert_eq!(group_id("42").unwrap(), 42);
        assert_eq!(group_id("root").unwrap_or(0), 0);
        assert_eq!(group_id("no such group").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
