//! One thread that runs all tasks of a run, in virtual time.
//!
//! Of the tasks that can go on, a seeded generator picks the next. Time stands still while any can, and otherwise moves to the next
//! timer. So a seed decides everything: there is no second thread, no socket and no clock.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use domain::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use store::clock::{self, SimulatedTime};

use crate::history::{Event, What};

/// Number of polls after which a run counts as one that never ends.
const MAX_POLLS: usize = 2_000_000;

/// The time at which every run begins.
const BEGINNING: Timestamp = Timestamp::from_epoch_millis(1_767_225_600_000);

/// A machine: what it decides by chance, and its clock.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) name: Name,
    rng: StdRng,
    /// By how much its clock is ahead of the slowest one.
    ahead: Duration,
}

/// The name of a machine in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Run,
    Device(usize),
    /// An invocation for a device: the number of its message, and of the call.
    Send(usize, usize, usize),
    /// The same for an amendment.
    Amend(usize, usize, usize),
    /// A worker that records a receipt of a device.
    Receipt(usize, usize),
    Members,
    Relay(usize),
    /// Moves blocks to the archive.
    Archiver(usize),
    /// One of those that read whole logs.
    Reader(usize),
    Service,
}

impl Machine {
    /// A machine with this seed, and a clock that is up to `skew` ahead.
    pub(crate) fn new(name: Name, seed: u64, skew: Duration) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let ahead = skew.mul_f64(rng.random());
        Self { name, rng, ahead }
    }
}

/// The run did not end: every task waits for another one, or they go round in circles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stalled;

struct World {
    now: Duration,
    timers: BTreeMap<(Duration, u64), Waker>,
    timers_made: u64,
    /// `None` while a task is polled, and once it has ended.
    tasks: Vec<Option<Task>>,
    wakers: Vec<Arc<TaskWaker>>,
    /// The machine of the task that is polled.
    machine: Option<Machine>,
    woken: Arc<Mutex<Vec<usize>>>,
    rng: StdRng,
    polls: usize,
    history: Vec<Event>,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    machine: Machine,
}

struct TaskWaker {
    task: usize,
    queued: AtomicBool,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(self.task);
        }
    }
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

fn world<T>(work: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(|world| work(world.as_mut().expect("within a run")))
}

/// Runs `main` and everything that it spawns, until `main` ends. Returns its output and the history.
pub(crate) fn run<T: 'static>(seed: u64, main: impl Future<Output = T> + 'static) -> (Result<T, Stalled>, Vec<Event>) {
    let world_before = WORLD.replace(Some(World {
        now: Duration::ZERO,
        timers: BTreeMap::new(),
        timers_made: 0,
        tasks: Vec::new(),
        wakers: Vec::new(),
        machine: None,
        woken: Arc::default(),
        rng: StdRng::seed_from_u64(seed),
        polls: 0,
        history: Vec::new(),
    }));
    assert!(world_before.is_none(), "a thread has one run at a time");
    clock::simulate(Some(SimulatedTime { now, sleep: |duration| Box::pin(sleep(duration)) }));
    let mut main = spawn(Machine::new(Name::Run, seed, Duration::ZERO), main);
    let output = loop {
        if let Ok(output) = main.0.try_recv() {
            break Ok(output);
        }
        if !turn() {
            break Err(Stalled);
        }
    };
    // Futures that are dropped may still use the world.
    let tasks = world(|world| std::mem::take(&mut world.tasks));
    drop(tasks);
    clock::simulate(None);
    Timestamp::simulate(None);
    (output, WORLD.take().expect("the run's world").history)
}

/// Polls one task, or moves the time; false if nothing can go on.
fn turn() -> bool {
    let next = world(|world| {
        world.polls += 1;
        if world.polls > MAX_POLLS {
            return None;
        }
        let mut woken = world.woken.lock().unwrap_or_else(PoisonError::into_inner);
        if woken.is_empty() {
            return Some(None);
        }
        let chosen = world.rng.random_range(0..woken.len());
        Some(Some(woken.swap_remove(chosen)))
    });
    let Some(next) = next else { return false };
    let Some(task) = next else { return advance() };
    let (taken, waker) = world(|world| {
        let waker = Arc::clone(&world.wakers[task]);
        waker.queued.store(false, Ordering::Relaxed);
        (world.tasks[task].take(), waker)
    });
    let Some(Task { mut future, mut machine }) = taken else { return true };
    // The generator of the SDK's jitter, and of the waits before a conflicting write is repeated.
    fastrand::seed(machine.rng.next_u64());
    world(|world| {
        Timestamp::simulate(Some(BEGINNING.plus(world.now + machine.ahead)));
        world.machine = Some(machine);
    });
    let polled = future.as_mut().poll(&mut Context::from_waker(&Waker::from(waker)));
    world(|world| {
        let machine = world.machine.take().expect("the machine of this task");
        if polled.is_pending() {
            world.tasks[task] = Some(Task { future, machine });
        }
    });
    true
}

/// Moves the time to the next timer; false if there is none.
fn advance() -> bool {
    let due = world(|world| {
        let ((at, _), waker) = world.timers.pop_first()?;
        world.now = world.now.max(at);
        Some(waker)
    });
    due.map(Waker::wake).is_some()
}

/// The output of a task.
pub(crate) struct Handle<T>(tokio::sync::oneshot::Receiver<T>);

impl<T> Handle<T> {
    /// Waits for the task.
    pub(crate) async fn join(self) -> T {
        self.0.await.expect("tasks end before the run does")
    }
}

/// Runs a future on a machine of its own, also if the handle is dropped.
pub(crate) fn spawn<T: 'static>(machine: Machine, future: impl Future<Output = T> + 'static) -> Handle<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let future = Box::pin(async move {
        // Nobody may wait for it.
        let _ = sender.send(future.await);
    });
    let waker = world(|world| {
        let waker =
            TaskWaker { task: world.tasks.len(), queued: AtomicBool::new(false), woken: Arc::clone(&world.woken) };
        let waker = Arc::new(waker);
        world.tasks.push(Some(Task { future, machine }));
        world.wakers.push(Arc::clone(&waker));
        waker
    });
    waker.wake();
    Handle(receiver)
}

/// Returns the time since the run began.
pub(crate) fn now() -> Duration {
    world(|world| world.now)
}

/// Decides something by the chance of the machine that asks.
pub(crate) fn chance<T>(decide: impl FnOnce(&mut StdRng) -> T) -> T {
    world(|world| decide(&mut world.machine.as_mut().expect("within a task").rng))
}

/// Notes what the machine does.
pub(crate) fn note(what: What) {
    world(|world| {
        let name = world.machine.as_ref().map_or(Name::Run, |machine| machine.name);
        world.history.push(Event { at: world.now, name, what });
    });
}

/// Waits in virtual time.
pub(crate) fn sleep(duration: Duration) -> Sleep {
    Sleep { until: now() + duration, timer: None }
}

pub(crate) struct Sleep {
    until: Duration,
    timer: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        world(|world| {
            if world.now >= self.until {
                return Poll::Ready(());
            }
            let until = self.until;
            let number = *self.timer.get_or_insert_with(|| {
                world.timers_made += 1;
                world.timers_made
            });
            world.timers.insert((until, number), context.waker().clone());
            Poll::Pending
        })
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let Some(number) = self.timer else { return };
        WORLD.with_borrow_mut(|world| world.as_mut().and_then(|world| world.timers.remove(&(self.until, number))));
    }
}
