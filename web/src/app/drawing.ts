/** A page that nobody sees is not drawn; then this is how long its frame is waited for, in milliseconds. */
const NO_FRAME = 100;

/**
 * Calls back once the browser has painted what is being changed now, with the time that took:
 * what ran before the frame, and the frame, without the wait in between.
 */
export function drawn(began: number, callback: (took: number) => void): void {
  let rendered = 0;
  let isDone = false;
  const done = (took: number) => {
    if (isDone) return;
    isDone = true;
    clearTimeout(timer);
    callback(took);
  };
  // Components that follow a store are drawn in microtasks: before any other task.
  next(() => {
    rendered = performance.now() - began;
  });
  const timer = setTimeout(() => done(rendered), NO_FRAME);
  requestAnimationFrame((frame) => {
    // A task after the frame's callbacks runs once the frame is painted.
    next(() => done(rendered + performance.now() - Math.max(frame, began)));
  });
}

/** Runs something in a task of its own, without the delay of a timer. */
function next(task: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    task();
  };
  port2.postMessage(undefined);
}
