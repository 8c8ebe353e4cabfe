//! Looks for passwords and tokens where there must be none.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;

/// Which secrets a file holds: the given ones, or what looks like a token of Keystone's or of an identity provider's, or
/// like an application credential's secret. One line each.
pub fn found(file: &Path, secrets: &[String]) -> Result<Vec<String>> {
    let bytes = match fs::read(file) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("{} cannot be read", file.display()))?,
    };
    let text = String::from_utf8_lossy(&bytes);
    // Fernet tokens begin with their version, 0x80, and the high bytes of the time; signed JSON is three parts, of which
    // the first two begin with a brace and a quotation mark.
    let token = Regex::new(r"gAAAA[A-Za-z0-9_-]{40,}|eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")?;
    // 64 random bytes in base64 without padding.
    let application = Regex::new("(?:^|[^A-Za-z0-9_-])([A-Za-z0-9_-]{86})(?:$|[^A-Za-z0-9_-])")?;
    let mut lines = Vec::new();
    for line in text.lines() {
        let secret = secrets.iter().find(|it| line.contains(it.as_str())).map(String::as_str);
        let looks = token.find(line).or_else(|| application.captures(line).and_then(|it| it.get(1)));
        if let Some(secret) = secret.or_else(|| looks.map(|it| it.as_str())) {
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
        let signed = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0.c2ln";
        let secret = "s3cr_t-".repeat(13)[..86].to_owned();
        let text = format!(
            "all is well\npassword=hunter2\nx-auth-token: {token}\nBearer {signed}\n\"secret\":\"{secret}\"\nx{secret}\n"
        );
        fs::write(&file, text).unwrap();
        let lines = found(&file, &["hunter2".to_owned()]).unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(lines.len(), 4, "{lines:?}");
        let shown = lines.concat();
        assert!(!["hunter2", &token, signed, &secret].iter().any(|it| shown.contains(*it)), "{lines:?}");
    }
}
