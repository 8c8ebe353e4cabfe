//! How fast a service is asked.
//!
//! A service that answers 429 is left alone by all of us for as long as it says. Then it is asked by half as many requests
//! at once as before, and by one more after each round that went well.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

/// No service is left alone longer than this, unless it asks for more.
const LONGEST: Duration = Duration::from_secs(30);

/// The paces of all services.
pub(super) struct Paces {
    most: usize,
    first: Duration,
    all: Mutex<HashMap<&'static str, Arc<Pace>>>,
}

/// The pace of one service.
pub(super) struct Pace {
    most: usize,
    /// The wait after a first 429 that names no time.
    first: Duration,
    turns: Semaphore,
    state: Mutex<State>,
}

struct State {
    /// So many requests may be under way at once.
    allowed: usize,
    /// So many permits are to be taken out of use when they come back.
    owed: usize,
    /// Replies since the last change of `allowed`.
    well: usize,
    /// All replies but 429.
    served: u64,
    /// How often in a row the pace was lowered.
    refusals: u32,
    /// When it was lowered last, and until when nothing is sent.
    refused: Option<(Instant, Instant)>,
}

/// A request's turn.
pub(super) struct Turn<'a> {
    pace: &'a Pace,
    permit: Option<SemaphorePermit<'a>>,
    begun: Instant,
}

impl Paces {
    /// At most so many requests to a service; the wait after a first 429 that names no time.
    pub fn new(most: usize, first: Duration) -> Self {
        Self { most, first, all: Mutex::default() }
    }

    pub fn of(&self, service: &'static str) -> Arc<Pace> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(service).or_insert_with(|| Arc::new(Pace::new(self.most, self.first))).clone()
    }
}

impl Pace {
    fn new(most: usize, first: Duration) -> Self {
        let state = State { allowed: most, owed: 0, well: 0, served: 0, refusals: 0, refused: None };
        Self { most, first, turns: Semaphore::new(most), state: Mutex::new(state) }
    }

    /// Waits for a turn. `None`: there are no more.
    pub async fn turn(&self) -> Option<Turn<'_>> {
        let permit = self.turns.acquire().await.ok()?;
        let mut turn = Turn { pace: self, permit: Some(permit), begun: Instant::now() };
        loop {
            let until = self.state().refused.map(|(_, until)| until);
            let Some(until) = until.filter(|it| *it > Instant::now()) else { break };
            tokio::time::sleep_until(until.into()).await;
        }
        turn.begun = Instant::now();
        Some(turn)
    }

    /// How many requests the service has served.
    pub fn served(&self) -> u64 {
        self.state().served
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// The service did what it does.
    pub fn served(&self) {
        let mut state = self.pace.state();
        state.served += 1;
        state.refusals = 0;
        state.well += 1;
        if state.well >= state.allowed && state.allowed < self.pace.most {
            state.allowed += 1;
            state.well = 0;
            match state.owed {
                0 => self.pace.turns.add_permits(1),
                _ => state.owed -= 1,
            }
        }
    }

    /// The service said 429, and perhaps when to come back.
    pub fn refused(&self, after: Option<Duration>) {
        let mut state = self.pace.state();
        let now = Instant::now();
        // Those that were under way together count once.
        let first = state.refused.is_none_or(|(at, _)| self.begun > at);
        if first {
            let allowed = (state.allowed / 2).max(1);
            state.owed += state.allowed - allowed;
            state.owed -= self.pace.turns.forget_permits(state.owed);
            (state.allowed, state.well) = (allowed, 0);
            state.refusals += 1;
        }
        let own = self.pace.first.saturating_mul(1 << state.refusals.min(10).saturating_sub(1)).min(LONGEST);
        let until = now + after.unwrap_or(own);
        state.refused = Some(match state.refused {
            Some((at, old)) if !first => (at, old.max(until)),
            _ => (now, until),
        });
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        if state.owed > 0
            && let Some(permit) = self.permit.take()
        {
            state.owed -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn half_as_many_and_then_one_more_at_a_time() {
        let pace = Pace::new(16, Duration::from_millis(10));
        let mut turns = Vec::new();
        for _ in 0..16 {
            turns.push(pace.turn().await.unwrap());
        }
        // However many of those under way together are refused.
        turns.iter().for_each(|it| it.refused(None));
        assert_eq!((pace.state().allowed, pace.turns.available_permits()), (8, 0));
        turns.clear();
        assert_eq!(pace.turns.available_permits(), 8);
        let started = Instant::now();
        let turn = pace.turn().await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(9), "{:?}", started.elapsed());
        turn.refused(Some(Duration::ZERO));
        drop(turn);
        assert_eq!((pace.state().allowed, pace.turns.available_permits()), (4, 4));
        for _ in 0..200 {
            pace.turn().await.unwrap().served();
        }
        assert_eq!((pace.state().allowed, pace.turns.available_permits()), (16, 16));
    }

    #[tokio::test]
    async fn one_always_goes() {
        let pace = Pace::new(2, Duration::ZERO);
        for _ in 0..5 {
            pace.turn().await.unwrap().refused(Some(Duration::ZERO));
        }
        assert_eq!((pace.state().allowed, pace.turns.available_permits()), (1, 1));
    }
}
