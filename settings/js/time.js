// Times: said relative to now, with the whole of it in the browser's own
// format and zone.

import { h, setText } from './dom.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const REFRESH = 5 * SECOND;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const whole = new Intl.DateTimeFormat(undefined,
    { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

// What the server's clock is ahead of the browser's, in ms.
let ahead = 0;


// The Date header has whole seconds, so less than two are no difference.

export function learnServerTime(date) {
    const difference = Date.parse(date) - Date.now();

    if (Math.abs(difference) >= 2 * SECOND) {
        ahead = difference;
    }
}


export function sayRelative(time) {
    const distance = Date.parse(time) - (Date.now() + ahead);
    const size = Math.abs(distance);

    if (size < 5 * SECOND) {
        return distance > 0 ? 'in a moment' : 'just now';
    }
    if (size < MINUTE) {
        return relative.format(Math.round(distance / SECOND), 'second');
    }
    if (size < HOUR) {
        return relative.format(Math.round(distance / MINUTE), 'minute');
    }
    if (size < DAY) {
        return relative.format(Math.round(distance / HOUR), 'hour');
    }
    if (size < 30 * DAY) {
        return relative.format(Math.round(distance / DAY), 'day');
    }

    return day.format(new Date(time));
}


export function sayWhole(time) {
    return whole.format(new Date(time));
}


// <time>, which goes on saying how long ago it was. `otherwise` stands where
// there is none.

export function timeNode(time, otherwise = 'not known') {
    if (!time) {
        return h('span', { class: 'muted' }, otherwise);
    }

    return h('time',
        { datetime: time, title: sayWhole(time), 'data-relative': true },
        sayRelative(time));
}


// The whole time first, and how long ago beside it.

export function wholeTimeNode(time) {
    return [
        h('time', { datetime: time }, sayWhole(time)),
        h('span', { class: 'second' },
            h('time', { datetime: time, 'data-relative': true },
                sayRelative(time))),
    ];
}


// Puts a time into a place that is empty or was set by this before. What is
// there already is left alone.

export function setTime(place, time, otherwise) {
    const node = place.firstElementChild;

    if (!node || node.getAttribute('datetime') !== (time ?? null)) {
        place.replaceChildren(timeNode(time, otherwise));
    }
}


setInterval(() => {
    for (const node of document.querySelectorAll('time[data-relative]')) {
        setText(node, sayRelative(node.getAttribute('datetime')));
    }
}, REFRESH);
