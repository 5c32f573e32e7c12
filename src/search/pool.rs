//! A pool with one worker per core; tasks run in order of arrival. More threads than cores would delay every request.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

type Task = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    tasks: Mutex<(VecDeque<Task>, bool)>,
    come: Condvar,
}

/// The workers. When the pool is dropped, they finish the queued tasks and end.
pub(super) struct Pool {
    queue: Arc<Queue>,
    workers: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(super) fn new(workers: usize) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let mut pool = Pool { queue: Arc::clone(&queue), workers: Vec::new() };
        for _ in 0..workers.max(1) {
            let queue = Arc::clone(&queue);
            let worker = std::thread::Builder::new().name("search".into()).spawn(move || work(&queue))?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    pub(super) fn submit(&self, task: impl FnOnce() + Send + 'static) {
        self.queue.tasks.lock().unwrap_or_else(PoisonError::into_inner).0.push_back(Box::new(task));
        self.queue.come.notify_one();
    }
}

fn work(queue: &Queue) {
    loop {
        let mut tasks = queue.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let task = loop {
            if let Some(task) = tasks.0.pop_front() {
                break task;
            }
            if tasks.1 {
                return;
            }
            tasks = queue.come.wait(tasks).unwrap_or_else(PoisonError::into_inner);
        };
        drop(tasks);
        // If the task panics, its end of the channel is dropped, which the waiting thread notices.
        let _ = catch_unwind(AssertUnwindSafe(task));
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.tasks.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.queue.come.notify_all();
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}
