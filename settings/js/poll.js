// Keeps a view up to date: runs a task every few seconds, not while the page
// is hidden or the reader has paused it, and less often while it fails.

import { reportBug } from './api.js';
import { h, icon, setChildren, setText } from './dom.js';

const SLOWEST = 30; // seconds


// `task` is an async function. Returns
//   { banner, pauseButton, refresh(), stop() }
// where `banner` says what went wrong, and is empty while nothing does.

export function poll({ task, seconds, signal }) {
    const banner = h('div', { class: 'live', role: 'status' });
    const pauseButton = h('button', {
        type: 'button',
        class: 'button little plain',
        on: { click: togglePause },
    }, 'Pause updates');

    let timer;
    let running = null;
    let again = false;
    let failures = 0;
    let paused = false;
    let stopped = false;

    async function run() {
        try {
            await task();
            failures = 0;
            setChildren(banner);
        } catch (error) {
            if (!stopped) {
                failures += 1;
                showFailure(error);
                reportBug(error);
            }
        }
    }

    // What is asked for while it runs is done right after: what it brings may
    // be older than what is asked for.

    function refresh() {
        clearTimeout(timer);

        if (running) {
            again = true;
            return running;
        }

        running = run().finally(() => {
            running = null;

            if (stopped) {
                return;
            }
            if (again) {
                again = false;
                refresh();
                return;
            }

            schedule();
        });

        return running;
    }

    function schedule() {
        clearTimeout(timer);

        if (!stopped && !paused && !document.hidden) {
            timer = setTimeout(refresh, 1000 * wait());
        }
    }

    function wait() {
        return Math.min(SLOWEST, seconds * 2 ** failures);
    }

    function showFailure(error) {
        const text = `${error.message} `
            + (paused ? 'Updates are paused.' : 'It is tried again soon.');

        // The same words again would be read out again.
        if (banner.textContent.startsWith(text)) {
            return;
        }

        setChildren(banner, h('div', { class: 'note bad' },
            icon('stop'),
            h('div', {}, h('p', {}, text)),
            h('button', {
                type: 'button',
                class: 'button little',
                on: { click: refresh },
            }, 'Try now')));
    }

    function togglePause() {
        paused = !paused;
        setText(pauseButton, paused ? 'Resume updates' : 'Pause updates');

        if (paused) {
            clearTimeout(timer);
        } else {
            refresh();
        }
    }

    function onVisibility() {
        clearTimeout(timer);

        if (!document.hidden && !paused && !stopped) {
            refresh();
        }
    }

    function stop() {
        stopped = true;
        clearTimeout(timer);
        document.removeEventListener('visibilitychange', onVisibility);
    }

    document.addEventListener('visibilitychange', onVisibility);
    signal.addEventListener('abort', stop);

    // Not before the caller has made all that the task needs.
    if (!document.hidden) {
        queueMicrotask(refresh);
    }

    return { banner, pauseButton, refresh, stop };
}
