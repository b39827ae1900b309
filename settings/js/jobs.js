// The list of jobs.

import { listJobs, listTriggers } from './api.js';
import { h, keyedList, setAttribute, setChildren, setText, tableHead }
    from './dom.js';
import { sayReason, sayState, setState } from './job-words.js';
import { announce } from './messages.js';
import { poll } from './poll.js';
import { jobHash, jobsHash } from './router.js';
import { setTime } from './time.js';
import { webhookNames } from './webhook-names.js';

const PAGE = 50;    // jobs
const REFRESH = 3;  // seconds

const COLUMNS = ['Job', 'State', 'Trigger', 'Webhook', 'Received'];
const STATES = ['', 'queued', 'running', 'waiting', 'failed', 'succeeded',
    'cancelled'];

// In which order they stand, and of how many.
const ORDERS = {
    '': 'The newest first: all that are in the queue or in hand, and the last'
        + ' 10,000 that have ended or waited.',
    queued: 'Those that no worker has yet. Who came to the queue last stands'
        + ' first.',
    running: 'Those that workers have in hand, the longest first.',
    waiting: 'Those that go on later, for a retry, a delay or a start. Who is'
        + ' due first stands first.',
    failed: 'Who failed last stands first. They are kept for 14 days, unless'
        + ' the worker is told otherwise.',
    succeeded: 'The newest first, among the last 10,000 jobs that have ended'
        + ' or waited.',
    cancelled: 'The newest first, among the last 10,000 jobs that have ended'
        + ' or waited.',
};

const NONE = {
    '': ['No jobs yet', 'Each request that a webhook accepts becomes a job,'
        + ' and shows up here within seconds.'],
    queued: ['No job is queued', 'Workers have taken all that came in.'],
    running: ['No job is running', 'The workers have nothing in hand.'],
    waiting: ['No job is waiting', 'None is between two attempts, in a delay,'
        + ' or before its start.'],
    failed: ['No job has failed', 'A job that does stands here with its'
        + ' reason, and can be retried.'],
    succeeded: ['No job has succeeded', 'Of the jobs that are still kept'
        + ' none has.'],
    cancelled: ['No job was cancelled', 'clarityctl cancel stops a job; it'
        + ' would stand here.'],
};


export function jobsView({ query, signal }) {
    const asked = query.get('state') ?? '';
    const state = STATES.includes(asked) ? asked : '';
    const after = query.get('after');
    const heading = h('h1', { tabindex: -1 }, 'Jobs');
    const body = h('tbody', { role: 'rowgroup' });
    const pages = h('nav', { class: 'pages', 'aria-label': 'Pages' });
    const place = h('div', {}, h('p', { class: 'loading' }, 'Loading…'));
    const updates = poll({ task, seconds: REFRESH, signal });
    const names = webhookNames(signal);
    const tools = h('div', { class: 'tools', hidden: true },
        h('p', { class: 'hint' }, ORDERS[state]),
        h('p', { class: 'buttons' }, updates.pauseButton));
    const table = h('div', { class: 'card flush of-cards' },
        h('table', {
            class: 'table wide', role: 'table', 'aria-label': 'Jobs',
        },
        tableHead(COLUMNS),
        body));

    let titles = new Map();
    let shown = null;

    const setRows = keyedList(body, ({ job_id: id }) => id,
        () => jobRow(name => titles.get(name) ?? name, names),
        () => heading.focus());

    async function task() {
        const { jobs, next } = await listJobs({ state, after, limit: PAGE },
            signal);

        if (jobs.some(({ trigger }) => trigger && !titles.has(trigger))) {
            titles = await readTitles(jobs, signal);
        }

        await names.learn(jobs.map(({ webhook }) => webhook));

        setRows(jobs);
        setPages(next);
        show(jobs.length ? table
            : next || after ? partOf(state, next) : empty(state));
    }

    // Made anew only when it is another one: its link may have the focus.

    function show(what) {
        tools.hidden = what !== table;
        pages.hidden = what !== table || pages.childElementCount === 0;

        if (shown === what || (shown !== table && what !== table
            && shown?.textContent === what.textContent)) {
            return;
        }

        shown = what;
        setChildren(place, what);

        if (what !== table) {
            announce(what.textContent);
        }
    }

    function setPages(next) {
        if (pages.dataset.next === String(next)) {
            return;
        }

        pages.dataset.next = next;
        setChildren(pages,
            after && h('a', {
                class: 'button', href: jobsHash({ state }),
            }, 'First page'),
            next && h('a', {
                class: 'button', href: jobsHash({ state, after: next }),
            }, 'Next page'));
    }

    const node = h('div', { class: 'view' },
        h('div', { class: 'view-head' },
            h('div', {}, heading,
                h('p', { class: 'muted' }, 'What became of the requests that'
                    + ' webhooks have accepted.'))),
        filters(state), updates.banner, place, pages, tools);

    return {
        title: state ? `Jobs: ${sayState(state)}` : 'Jobs', heading, node,
    };
}


// A trigger that nginx does not know any more is asked for once, too.

async function readTitles(jobs, signal) {
    const { triggers } = await listTriggers(signal);

    return new Map([
        ...jobs.map(({ trigger }) => [trigger, trigger]),
        ...triggers.map(({ name, title }) => [name, title || name]),
    ]);
}


function filters(state) {
    return h('nav', { 'aria-label': 'Jobs by their state' },
        h('ul', { class: 'filters' }, STATES.map(one => h('li', {},
            h('a', {
                href: jobsHash({ state: one }),
                'aria-current': one === state ? 'true' : null,
            }, one ? sayState(one) : 'All')))));
}


function jobRow(titleOf, names) {
    const link = h('a', { class: 'job-id' });
    const state = h('span');
    const reason = h('span', { class: 'second clamped' });
    const next = h('span');
    const goesOn = h('span', { class: 'second' }, 'Goes on ', next);
    const trigger = h('span');
    const webhook = h('span', { class: 'breakable' });
    const received = h('span');

    const node = h('tr', { role: 'row' },
        [[link], [state, goesOn, reason], [trigger], [webhook], [received]]
            .map((children, i) => h('td', {
                role: 'cell',
                class: i === 0 ? 'title' : null,
                'data-label': COLUMNS[i],
            }, children)));

    function update(job) {
        setText(link, job.job_id);
        setAttribute(link, 'href', jobHash(job.job_id));
        setState(state, job.state);
        setText(reason, sayReason(job.reason));
        reason.hidden = !job.reason;
        goesOn.hidden = !job.next_at;
        setTime(next, job.next_at);
        setText(trigger, job.trigger ? titleOf(job.trigger) : 'not known');
        names.show(webhook, job.webhook ?? '');
        setTime(received, job.received_at);
    }

    return { node, update };
}


function empty(state) {
    const [title, text] = NONE[state];

    return h('div', { class: 'card' }, h('div', { class: 'empty' },
        h('h2', {}, title),
        h('p', { class: 'muted' }, text),
        state !== '' && h('a', { class: 'button', href: jobsHash({}) },
            'All jobs')));
}


// The server looks at some hundred jobs at a time.

function partOf(state, next) {
    return h('div', { class: 'card' }, h('div', { class: 'empty in-card' },
        h('p', {}, next
            ? `None here ${state === 'cancelled' ? 'was' : 'is'}`
                + ` ${sayState(state).toLowerCase()}, but there are older jobs`
                + ' to look at.'
            : 'There are no more jobs on this page.'),
        next && h('a', {
            class: 'button', href: jobsHash({ state, after: next }),
        }, 'Look further'),
        !next && h('a', { class: 'button', href: jobsHash({ state }) },
            'First page')));
}
