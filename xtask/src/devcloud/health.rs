//! Whether a service answers.

use std::time::Duration;

use ureq::Agent;

/// Asks services how they are.
#[derive(Clone, Debug)]
pub struct Health(Agent);

impl Health {
    /// Asks the loopback interface directly, whatever proxy the environment names.
    pub fn new() -> Self {
        Self(
            Agent::config_builder()
                .http_status_as_error(false)
                // A list of versions is answered with 300 and leads nowhere.
                .max_redirects(0)
                .max_redirects_will_error(false)
                .timeout_global(Some(Duration::from_secs(5)))
                .proxy(None)
                .build()
                .into(),
        )
    }

    /// Any answer will do that is not a server's failure: some services want a token even for their front page.
    pub fn answers(&self, port: u16, path: &str) -> bool {
        let answer = self.0.get(format!("http://127.0.0.1:{port}{path}")).call();
        answer.is_ok_and(|answer| answer.status().as_u16() < 500)
    }
}
