//! Looks for passwords and tokens where there must be none.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;

/// Which secrets a file holds: the given ones, or what looks like one of Keystone's tokens. One line each.
pub fn found(file: &Path, secrets: &[String]) -> Result<Vec<String>> {
    let bytes = match fs::read(file) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("{} cannot be read", file.display()))?,
    };
    let text = String::from_utf8_lossy(&bytes);
    // Fernet tokens begin with their version, 0x80, and the high bytes of the time.
    let token = Regex::new("gAAAA[A-Za-z0-9_-]{40,}")?;
    let mut lines = Vec::new();
    for line in text.lines() {
        let secret = secrets.iter().find(|it| line.contains(it.as_str())).map(String::as_str);
        if let Some(secret) = secret.or_else(|| token.find(line).map(|it| it.as_str())) {
            let shown = line.replace(secret, "(the secret)");
            lines.push(format!("{}: {}", file.display(), shown.chars().take(300).collect::<String>()));
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_are_found() {
        let file = std::env::temp_dir().join(format!("secrets-{}", std::process::id()));
        let token = format!("gAAAAA{}", "x".repeat(60));
        fs::write(&file, format!("all is well\npassword=hunter2\nx-auth-token: {token}\n")).unwrap();
        let lines = found(&file, &["hunter2".to_owned()]).unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(!lines.concat().contains("hunter2") && !lines.concat().contains(&token), "{lines:?}");
    }
}
