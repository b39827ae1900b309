// The last requests of a webhook, newest first. nginx keeps what was wrong
// with them and no values.

import { h, icon, keyedList, setChildren, setText, tableHead } from './dom.js';
import { jobHash } from './router.js';
import { wholeTimeNode } from './time.js';
import { kindOfOutcome, sayFault, sayOutcome } from './words.js';

const COLUMNS = ['Outcome', 'Time', 'Request', 'Token'];
const AT_FIRST = 10; // rows, until the reader asks for all


export function activityCard(pauseButton) {
    const body = h('tbody', { role: 'rowgroup' });
    const place = h('div', {});
    const table = h('table', {
        class: 'table wide', role: 'table', 'aria-labelledby': 'activity',
    },
    tableHead(COLUMNS),
    body);
    const none = h('div', { class: 'empty in-card' },
        h('p', {}, h('b', {}, 'No requests known on this nginx')),
        h('p', { class: 'muted' }, 'Send a test above, or paste one of the'
            + ' lines into a terminal: it shows up here within seconds.'));

    const more = h('button', {
        type: 'button', class: 'button little', on: { click: showAll },
    });

    const node = h('section', {
        class: 'card', 'aria-labelledby': 'activity',
    },
    h('div', { class: 'card-head' },
        h('h2', { id: 'activity' }, 'Activity'), pauseButton),
    h('p', { class: 'hint' }, 'The last requests that the nginx that answers'
        + ' here remembers since it was started, the newest first. Another'
        + ' nginx may have seen others.'),
    place, more);

    const setRows = keyedList(body,
        ({ time, request_id: id, outcome }) => `${time} ${id} ${outcome}`,
        row);

    let entries = [];
    let shown = AT_FIRST;

    function update(activity) {
        const what = activity.length ? table : none;

        entries = activity;
        setRows(entries.slice(0, shown));
        more.hidden = entries.length <= shown;
        setText(more, `Show all ${entries.length}`);

        if (place.firstElementChild !== what) {
            setChildren(place, what);
        }
    }

    // The button goes; the first of the rows that it brings is next.

    function showAll() {
        shown = Infinity;
        update(entries);

        const next = body.children[AT_FIRST];

        next.tabIndex = -1;
        next.focus();
    }

    return { node, update };
}


// What has happened does not change, so there is nothing to update.

function row(entry) {
    const kind = kindOfOutcome(entry);

    const node = h('tr', { role: 'row' },
        cell(0,
            h('span', { class: `badge ${kind}` },
                kind && icon(kind === 'good' ? 'done' : 'stop'),
                sayOutcome(entry.outcome)),
            h('span', { class: 'second' },
                `HTTP ${entry.status}, `, h('code', {}, entry.outcome)),
            reason(entry)),
        cell(1, wholeTimeNode(entry.time)),
        cell(2,
            entry.request_id && h('code', {}, entry.request_id),
            entry.job_id && h('span', { class: 'second' },
                'Job ', h('a', { href: jobHash(entry.job_id) },
                    h('code', {}, entry.job_id))),
            h('span', { class: 'second' }, 'From ', entry.addr)),
        cell(3, entry.token_id
            ? h('code', {}, entry.token_id)
            : h('span', { class: 'muted' }, 'none')));

    return { node, update: () => {} };
}


function cell(column, ...children) {
    return h('td', {
        role: 'cell',
        class: column === 0 ? 'title' : null,
        'data-label': COLUMNS[column],
    }, children);
}


// Each fault of a context, or what the sender was told.

function reason({ faults, faults_omitted: omitted, detail }) {
    if (faults.length) {
        return h('ul', { class: 'faults' },
            faults.map(fault => h('li', {}, sayFault(fault))),
            omitted > 0 && h('li', {}, `and ${omitted} more`));
    }

    return detail && h('p', { class: 'faults' }, detail);
}
