//! What went wrong, in words a cloud operator can act on.
//!
//! The policy, in five rules:
//! 1. Every error says what was attempted, what answered, and the request id if there is one.
//! 2. "Gone" is a fact about one id, told by the service that owns it. Everything else (403, 5xx, a timeout,
//!    a page of some proxy, a 404 that speaks of something else) is an error. See [`Error::is_not_found_of`].
//! 3. Nothing an error prints is a secret. Messages of services are scrubbed of the configured secrets.
//! 4. Errors of configuration name the setting, so that the caller can point at it.
//! 5. Errors can be cloned: one failed login is told to everyone who waited for it.

mod message;

pub(crate) use message::{Shape, extract};

use std::fmt;

use super::config::ConfigError;
use super::usage::Part;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call, or the way to it, failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration can't work. Names the setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Keystone (or the identity provider) rejected the credentials.
    #[error("{0}")]
    Login(Box<LoginError>),
    /// The token was given as such, is no longer accepted, and can't be renewed.
    #[error(
        "the token that was given is no longer accepted by {url}, and a token can't be renewed. \
         Give a new token, or credentials (a password or an application credential) instead"
    )]
    TokenExpired {
        /// The Keystone that said so.
        url: String,
    },
    /// Nothing at the URL speaks the identity API v3.
    #[error(
        "{url} does not look like Keystone: {why}. `auth_url` must be Keystone's URL, such as https://cloud.example:5000/v3"
    )]
    NotKeystone {
        /// The URL that was asked.
        url: String,
        /// What it answered.
        why: String,
    },
    /// No connection could be made. Nothing was sent.
    #[error("{0}")]
    Unreachable(Box<UnreachableError>),
    /// The connection broke after the request was sent. Whether the service acted on it is unknown.
    #[error("cannot {}: the connection broke before the reply came ({why}). {}", attempt.doing, attempt.place())]
    Broken {
        /// What was attempted.
        attempt: Box<Attempt>,
        /// What the network said.
        why: String,
    },
    /// No reply in time. Whether the service acted on the request is unknown.
    #[error("cannot {}: no reply within {seconds} s. {}", attempt.doing, attempt.place())]
    Timeout {
        /// What was attempted.
        attempt: Box<Attempt>,
        /// How long it waited.
        seconds: u64,
    },
    /// The run was cancelled before this was sent.
    #[error("cannot {doing}: the run was cancelled before the request was sent")]
    Cancelled {
        /// What was about to be attempted.
        doing: String,
    },
    /// The service answered with an error status.
    #[error("{0}")]
    Status(Box<StatusError>),
    /// The service sent a redirect. Redirects aren't followed: the token would go with them.
    #[error("cannot {}: {} answered with a redirect to {to}, which is not followed. Configure that URL itself. {}",
        attempt.doing, attempt.service, attempt.place())]
    Redirect {
        /// What was attempted.
        attempt: Box<Attempt>,
        /// Where it points.
        to: String,
    },
    /// The reply had a good status and a body that makes no sense.
    #[error("cannot {}: {} sent a reply that can't be read: {why}. {}", attempt.doing, attempt.service, attempt.place())]
    OddBody {
        /// What was attempted.
        attempt: Box<Attempt>,
        /// What is wrong with the body.
        why: String,
    },
    /// The catalog has no such service for this region and interface.
    #[error("{0}")]
    NoService(Box<NoServiceError>),
    /// A list was cut and the rest can't be had.
    #[error("the list of {what} is incomplete: {why}")]
    Truncated {
        /// The kind of object, plural.
        what: String,
        /// Why, and what helps.
        why: String,
    },
    /// The name (or another unique thing) is taken.
    #[error("{0}")]
    Conflict(Box<ConflictError>),
    /// A federated identity belongs to another user.
    #[error("{0}")]
    Linked(Box<LinkedError>),
    /// A user's federated identities could not be changed, and were lost over it.
    #[error(
        "{why}. By then Keystone had dropped the identities that the user had, and putting them back failed: {also}"
    )]
    Unlinked {
        /// Why the change failed.
        why: Box<Error>,
        /// Why it could not be undone.
        also: Box<Error>,
    },
    /// Our account, or this cloud, gives no way to see this.
    #[error("cannot see {what}: {why}")]
    Unseen {
        /// What.
        what: String,
        /// Why not.
        why: String,
    },
    /// A part of a query for usage can't be answered.
    #[error("{why}")]
    Query {
        /// Which.
        part: Part,
        /// Why not.
        why: Box<Error>,
    },
    /// A name or id that Keystone doesn't know.
    #[error("{0}")]
    Unknown(Box<UnknownError>),
    /// Several users have the name, and nothing says who of them is meant.
    #[error("{} users are named \"{name}\" ({}): names of users whom logins made are not unique", ids.len(), ids.join(", "))]
    Ambiguous {
        /// The name that was asked for.
        name: String,
        /// Ids of those who have it.
        ids: Vec<String>,
    },
    /// An id that can't be part of a URL. Never sent.
    #[error("cannot {doing}: \"{id}\" is not an id")]
    BadId {
        /// What was about to be attempted.
        doing: String,
        /// The id.
        id: String,
    },
    /// Not everything could be deleted.
    #[error("{0}")]
    Leftover(Box<LeftoverError>),
    /// Limits that a service did not take.
    #[error("{0}")]
    Quota(Box<super::quota::QuotaError>),
}

/// What was attempted, and how.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// In words that follow "cannot": `create project "web"`.
    pub doing: String,
    /// The service, by its official type: `identity`, `compute`.
    pub service: String,
    /// The HTTP method.
    pub method: String,
    /// The path, without scheme, host and query.
    pub path: String,
    /// The service's request id, if the reply had one.
    pub request_id: Option<String>,
    /// Whether this was a repetition, and the service may have acted on an earlier try.
    pub repeated: bool,
}

impl Attempt {
    /// `POST /v3/projects, request req-1`, in brackets.
    pub fn place(&self) -> String {
        match &self.request_id {
            Some(id) => format!("({} {}, request {id})", self.method, self.path),
            None => format!("({} {})", self.method, self.path),
        }
    }
}

/// A reply with an error status.
#[derive(Clone, Debug)]
pub struct StatusError {
    /// What was attempted.
    pub attempt: Attempt,
    /// The HTTP status.
    pub status: u16,
    /// What the service said, without markup, shortened and scrubbed of secrets.
    pub message: String,
    /// Whether the body had the form in which OpenStack services report errors. A proxy's page has not.
    pub native: bool,
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempt, status, message, native } = self;
        let reason = reqwest::StatusCode::from_u16(*status).ok().and_then(|it| it.canonical_reason());
        write!(f, "cannot {}: {} answered {status}", attempt.doing, attempt.service)?;
        if let Some(reason) = reason {
            write!(f, " {reason}")?;
        }
        if !message.is_empty() {
            write!(f, ": {message}")?;
        } else if !native {
            write!(f, " without an explanation")?;
        }
        write!(f, " {}", attempt.place())
    }
}

impl std::error::Error for StatusError {}

/// Rejected credentials.
#[derive(Clone, Debug)]
pub struct LoginError {
    /// Who tried to log in: `user "replicator" of domain "Default"`. Never a secret.
    pub who: String,
    /// For what scope: `project "admin" of domain "Default"`.
    pub scope: String,
    /// The URL that rejected it.
    pub url: String,
    /// The HTTP status, if it was one.
    pub status: Option<u16>,
    /// The service's words, or ours.
    pub message: String,
    /// The service's request id.
    pub request_id: Option<String>,
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot log in as {} for {} at {}: {}", self.who, self.scope, self.url, self.message)?;
        if let Some(status) = self.status {
            write!(f, " (status {status}")?;
            if let Some(id) = &self.request_id {
                write!(f, ", request {id}")?;
            }
            write!(f, ")")?;
        }
        Ok(())
    }
}

/// No connection.
#[derive(Clone, Debug)]
pub struct UnreachableError {
    /// What was attempted.
    pub attempt: Attempt,
    /// Scheme, host and port.
    pub host: String,
    /// Where it failed.
    pub cause: Unreachable,
    /// The network's or TLS's words.
    pub message: String,
}

/// Where making a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreachable {
    /// The host name doesn't resolve.
    Name,
    /// Nothing accepts the connection.
    Connect,
    /// The connection wasn't made in time.
    Slow,
    /// The certificate isn't trusted.
    Certificate,
    /// Another failure of TLS, such as plain HTTP spoken on the port.
    Tls,
}

impl fmt::Display for UnreachableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempt, host, cause, message } = self;
        write!(f, "cannot {}: ", attempt.doing)?;
        match cause {
            Unreachable::Name => write!(f, "the name of {host} does not resolve ({message})"),
            Unreachable::Connect => write!(f, "no connection to {host} ({message})"),
            Unreachable::Slow => write!(f, "no connection to {host} in time"),
            // rustls takes no authority's certificate for a server's, even if it was told to trust it.
            Unreachable::Certificate if message.contains("CaUsedAsEndEntity") => write!(
                f,
                "the server {host} shows a self-signed certificate that is marked as an authority's. \
                 Give it one with `basicConstraints = CA:FALSE`, or one that an authority signed"
            ),
            Unreachable::Certificate => write!(
                f,
                "the certificate of {host} is not trusted ({message}). \
                 Name the authority that signed it in `ca_certificate`"
            ),
            Unreachable::Tls => write!(f, "no TLS with {host} ({message})"),
        }
    }
}

/// A service that the catalog doesn't offer.
#[derive(Clone, Debug)]
pub struct NoServiceError {
    /// What was asked for, by official type.
    pub service: String,
    /// The region that was asked for.
    pub region: Option<String>,
    /// The interface that was asked for.
    pub interface: String,
    /// Why: an unknown type, region or interface, or several regions and none chosen.
    pub why: String,
    /// Whether there are others in that region with that interface, and it is not in the region at all.
    pub only_this: bool,
    /// The types that the catalog has.
    pub types: Vec<String>,
    /// The regions that the catalog has.
    pub regions: Vec<String>,
    /// The interfaces that the catalog has.
    pub interfaces: Vec<String>,
}

impl fmt::Display for NoServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        write!(f, "no {} service: {}. ", self.service, self.why)?;
        write!(
            f,
            "The catalog has the types {}; the regions {}; the interfaces {}",
            list(&self.types),
            list(&self.regions),
            list(&self.interfaces)
        )
    }
}

/// Something unique is taken.
#[derive(Clone, Debug)]
pub struct ConflictError {
    /// What was attempted.
    pub attempt: Attempt,
    /// The kind of object: `project`.
    pub kind: &'static str,
    /// What must be unique: `name`, `id`.
    pub what: &'static str,
    /// The name, or whatever it is, that was asked for.
    pub name: String,
    /// The object that has it, if one could be found.
    pub holder_id: Option<String>,
    /// Its name as Keystone has it: with MariaDB names differ neither by case nor by accents.
    pub holder_name: Option<String>,
    /// Keystone's words.
    pub message: String,
}

impl fmt::Display for ConflictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, what, .. } = self;
        write!(f, "cannot {}: ", self.attempt.doing)?;
        match (&self.holder_id, &self.holder_name) {
            (Some(id), Some(name)) if *name != self.name => write!(
                f,
                "the {kind} \"{name}\" ({id}) exists, and Keystone takes the two {what}s for the same. \
                 Choose another {what}, or import it",
            ),
            (Some(id), _) => {
                let article = if kind.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
                write!(
                    f,
                    "{article} {kind} of that {what} exists already ({id}). Choose another {what}, or import it",
                )
            }
            (None, _) => write!(f, "Keystone reports a conflict: {} {}", self.message, self.attempt.place()),
        }
    }
}

/// A federated identity that another user has.
#[derive(Clone, Debug)]
pub struct LinkedError {
    /// In words that follow "cannot": `link user "jane"`.
    pub doing: String,
    /// The identity: `jane%40example.org at aad/openid`.
    pub identity: String,
    /// Id and name of the user that has it, if one could be found.
    pub holder: Option<(String, String)>,
}

impl fmt::Display for LinkedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { doing, identity, holder } = self;
        write!(f, "cannot {doing}: the identity {identity} belongs to ")?;
        match holder {
            Some((id, name)) => write!(f, "user \"{name}\" ({id})"),
            None => write!(f, "a user whom this account can't see"),
        }
    }
}

/// A name or id that isn't known.
#[derive(Clone, Debug)]
pub struct UnknownError {
    /// The kind of object: `role`.
    pub kind: &'static str,
    /// What was asked for.
    pub name: String,
    /// Where it was looked for: `domain "acme"`, or nothing.
    pub within: Option<String>,
    /// Names that are near.
    pub near: Vec<String>,
}

impl fmt::Display for UnknownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no {} \"{}\"", self.kind, self.name)?;
        if let Some(within) = &self.within {
            write!(f, " in {within}")?;
        }
        if !self.near.is_empty() {
            let near: Vec<_> = self.near.iter().map(|it| format!("\"{it}\"")).collect();
            write!(f, ". Near: {}", near.join(", "))?;
        }
        Ok(())
    }
}

/// What a purge couldn't delete.
#[derive(Clone, Debug)]
pub struct LeftoverError {
    /// The project.
    pub project_id: String,
    /// One line for each thing that is left: what it is, and why.
    pub left: Vec<String>,
    /// How many things were deleted.
    pub deleted: usize,
}

impl fmt::Display for LeftoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot purge project {}: {} deleted, but left are", self.project_id, self.deleted)?;
        for line in &self.left {
            write!(f, "\n- {line}")?;
        }
        Ok(())
    }
}

impl Error {
    /// The status of the reply, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Status(it) => Some(it.status),
            Error::Login(it) => it.status,
            Error::Conflict(_) | Error::Linked(_) => Some(409),
            _ => None,
        }
    }

    /// Whether the service said that exactly this object doesn't exist.
    ///
    /// Keystone answers 404 for the caller's own fault too: with the token of a deleted user *every* path says
    /// `Could not find user: <that user>`. And a wrong path or a proxy answers 404 as well. So the message must
    /// be the service's own and name the id.
    pub fn is_not_found_of(&self, id: &str) -> bool {
        match self {
            Error::Status(it) => it.status == 404 && it.native && names(&it.message, id),
            // The same, understood already.
            Error::Unknown(it) => it.name == id && it.within.is_none(),
            _ => false,
        }
    }

    /// Whether this is a 404 in the service's own form, about whatever it may be.
    pub(crate) fn is_native_404(&self) -> bool {
        matches!(self, Error::Status(it) if it.status == 404 && it.native)
    }

    /// Whether the account isn't allowed to do this.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// Whether the request was sent and its effect is unknown.
    pub fn is_reply_lost(&self) -> bool {
        match self {
            Error::Broken { .. } | Error::Timeout { .. } | Error::OddBody { .. } => true,
            // A gateway that gave up waiting says nothing about the service behind it.
            Error::Status(it) => matches!(it.status, 502 | 504),
            _ => false,
        }
    }

    /// Whether the cloud has other services where it was looked for, and not this one. An unknown region says nothing about
    /// a service.
    pub fn is_service_absent(&self) -> bool {
        matches!(self, Error::NoService(it) if it.only_this)
    }

    /// Whether the run was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Error::Cancelled { .. })
    }
}

/// Whether `text` has `id` as a whole word, so that `default` is not found in `defaults`.
fn names(text: &str, id: &str) -> bool {
    let word = |it: char| it.is_alphanumeric() || it == '-' || it == '_';
    !id.is_empty()
        && text.match_indices(id).any(|(at, _)| {
            !text[..at].chars().next_back().is_some_and(word)
                && !text[at + id.len()..].chars().next().is_some_and(word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, message: &str, native: bool) -> Error {
        let attempt = Attempt {
            doing: "read project \"p\"".into(),
            service: "identity".into(),
            method: "GET".into(),
            path: "/v3/projects/p".into(),
            request_id: Some("req-1".into()),
            repeated: false,
        };
        Error::Status(Box::new(StatusError { attempt, status, message: message.into(), native }))
    }

    #[test]
    fn gone_is_about_one_id() {
        let cases = [
            (404, "Could not find project: p1.", true, true),
            (404, "Could not find project: p1.", false, false),
            (404, "Could not find project: p12.", true, false),
            (404, "Could not find user: callers-own.", true, false),
            (404, "The resource could not be found.", true, false),
            (403, "You may not read p1.", true, false),
            (500, "p1", true, false),
        ];
        for (code, message, native, gone) in cases {
            assert_eq!(status(code, message, native).is_not_found_of("p1"), gone, "{code} {message}");
        }
    }

    #[test]
    fn an_error_says_what_who_and_where() {
        expect_test::expect![[r#"cannot read project "p": identity answered 403 Forbidden: not yours (GET /v3/projects/p, request req-1)"#]]
            .assert_eq(&status(403, "not yours", true).to_string());
    }
}
