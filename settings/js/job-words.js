// What is said of jobs, runs and steps.

import { icon, setAttribute, setChildren } from './dom.js';

// [what it is called, the badge's kind, its icon]
const STATES = {
    queued: ['Queued', ''],
    pending: ['Pending', ''],
    running: ['Running', 'busy'],
    waiting: ['Waiting', 'warn'],
    succeeded: ['Succeeded', 'good', 'done'],
    failed: ['Failed', 'bad', 'stop'],
    cancelled: ['Cancelled', ''],
    skipped: ['Skipped', ''],
};

const REASONS = {
    no_active_workflow: 'No active workflow was attached to its trigger.',
};


export const sayState = state => STATES[state]?.[0] ?? state;


// Leaves the place alone if it shows that state already.

export function setState(place, state) {
    if (place.dataset.state === state) {
        return;
    }

    const [text, kind, shape] = STATES[state] ?? [state, ''];

    place.dataset.state = state;
    setAttribute(place, 'class', `badge ${kind}`.trim());
    setChildren(place, shape && icon(shape), text);
}


// As a sentence of its own; '' where there is none. A name may stand first, so
// no letter is made a capital.

export function sayReason(reason) {
    if (!reason) {
        return '';
    }

    return REASONS[reason] ?? reason;
}


// How long a step took, in words.

export function sayDuration(ms) {
    if (ms < 1000) {
        return `${ms} ms`;
    }
    if (ms < 60_000) {
        return `${(ms / 1000).toFixed(1)} s`;
    }
    if (ms < 3_600_000) {
        return `${Math.round(ms / 60_000)} min`;
    }

    return `${Math.round(ms / 3_600_000)} h`;
}
