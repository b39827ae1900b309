// The list of webhooks.

import { listTriggers, listWebhooks } from './api.js';
import { h, icon, keyedList, setChildren, tableHead } from './dom.js';
import { listRow } from './list-row.js';
import { announce } from './messages.js';
import { poll } from './poll.js';
import { listHash } from './router.js';
import { count } from './words.js';

const PAGE = 50;    // webhooks
const REFRESH = 3;  // seconds

const COLUMNS = ['Webhook', 'Trigger', 'Last accepted', 'Last refused',
    'nginx workers', 'Active'];


export function listView({ query, signal }) {
    const after = query.get('after');
    const heading = h('h1', { tabindex: -1 }, 'Webhooks');
    const body = h('tbody', { role: 'rowgroup' });
    const unreadable = h('div', { class: 'live', role: 'status' });
    const pages = h('nav', { class: 'pages', 'aria-label': 'Pages' });
    const place = h('div', {}, h('p', { class: 'loading' }, 'Loading…'));
    const updates = poll({ task, seconds: REFRESH, signal });

    const tools = h('div', { class: 'tools', hidden: true },
        h('p', { class: 'hint' }, 'Last accepted and last refused are what the'
            + ' nginx that answers here remembers since it was started.'
            + ' Another nginx may have seen other requests.'),
        h('p', { class: 'buttons' }, updates.pauseButton));
    const table = h('div', { class: 'card flush of-cards' },
        h('table', {
            class: 'table wide', role: 'table', 'aria-label': 'Webhooks',
        },
        tableHead(COLUMNS),
        body));

    const setRows = keyedList(body, ({ id }) => id,
        webhook => listRow(webhook, name => titles.get(name) ?? name,
            updates.refresh),
        () => heading.focus());

    // What triggers are called: they change with nginx's configuration only.
    let titles = new Map();

    async function task() {
        const list = await listWebhooks({ after, limit: PAGE }, signal);

        if (list.webhooks.some(({ trigger }) => !titles.has(trigger))) {
            const { triggers } = await listTriggers(signal);

            titles = new Map(triggers.map(
                ({ name, title }) => [name, title || name]));
        }

        setRows(list.webhooks);
        setUnreadable(list.unreadable ?? []);
        setPages(list.next);
        show(list.webhooks.length ? table : empty(after));
    }

    function show(what) {
        tools.hidden = what !== table;

        if (place.firstElementChild?.className !== what.className) {
            setChildren(place, what);

            if (what !== table) {
                announce(what.textContent);
            }
        }
    }

    // Neither served nor in the list below, so they are told of.

    function setUnreadable(records) {
        const what = JSON.stringify(records);

        if (unreadable.dataset.what === what) {
            return;
        }

        unreadable.dataset.what = what;
        setChildren(unreadable, records.length > 0 && h('div', {
            class: 'note bad',
        }, icon('stop'), h('div', {},
            h('p', {}, h('b', {}, count(records.length, 'record'),
                ' in Redis cannot be read, and',
                records.length === 1 ? ' is' : ' are', ' not served:')),
            h('ul', { class: 'faults' }, records.map(({ id, reason }) =>
                h('li', {}, h('code', {}, id), `: ${reason}`))))));
    }

    // Made anew only when it changes: one of its links may have the focus.

    function setPages(next) {
        if (pages.dataset.next === String(next)) {
            return;
        }

        pages.dataset.next = next;
        pages.hidden = !after && !next;
        setChildren(pages,
            after && h('a', { class: 'button', href: listHash() },
                'First page'),
            next && h('a', { class: 'button', href: listHash(next) },
                'Next page'));
    }

    const node = h('div', { class: 'view' },
        h('div', { class: 'view-head' },
            h('div', {}, heading,
                h('p', { class: 'muted' },
                    'Addresses that other systems call to start workflows.'
                    + ' Each takes the context of one trigger.')),
            h('a', { class: 'button primary', href: '#/new' },
                icon('plus'), 'Add New Webhook')),
        updates.banner, unreadable, place, pages, tools);

    return { title: 'Webhooks', heading, node };
}


function empty(after) {
    if (after) {
        return h('div', { class: 'card' },
            h('div', { class: 'empty in-card' },
                h('p', {}, 'There are no more webhooks on this page.'),
                h('a', { href: listHash() }, 'First page')));
    }

    return h('div', { class: 'card' },
        h('div', { class: 'empty' },
            h('h2', {}, 'No webhooks yet'),
            h('p', { class: 'muted' },
                'Add one for the system that is to start your workflows. You'
                + ' get an address, an authentication token and a line to'
                + ' paste into a terminal, and every nginx worker answers it'
                + ' within a second.'),
            h('a', { class: 'button primary', href: '#/new' },
                icon('plus'), 'Add New Webhook')));
}
