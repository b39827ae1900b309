// The workflows that workers have loaded.

import { listTriggers, listWorkflows } from './api.js';
import { h, icon, keyedList, setAttribute, setChildren, setText, tableHead }
    from './dom.js';
import { poll } from './poll.js';
import { count } from './words.js';

const REFRESH = 5; // seconds
const COLUMNS = ['Workflow', 'Trigger', 'State', 'Loaded by'];


export function workflowsView({ signal }) {
    const heading = h('h1', { tabindex: -1 }, 'Workflows');
    const body = h('tbody', { role: 'rowgroup' });
    const place = h('div', {}, h('p', { class: 'loading' }, 'Loading…'));
    const updates = poll({ task, seconds: REFRESH, signal });
    const tools = h('p', { class: 'buttons tools', hidden: true },
        updates.pauseButton);
    const table = h('div', { class: 'card flush of-cards' },
        h('table', {
            class: 'table wide', role: 'table', 'aria-label': 'Workflows',
        },
        tableHead(COLUMNS),
        body));

    let titles = new Map();

    const setRows = keyedList(body, ({ id }) => id,
        () => workflowRow(name => titles.get(name) ?? name));

    async function task() {
        const [{ workflows }, { triggers }] = await Promise.all(
            [listWorkflows(signal), listTriggers(signal)]);

        titles = new Map(triggers.map(({ name, title }) => [name, title]));
        setRows(workflows);
        tools.hidden = !workflows.length;

        const what = workflows.length ? table : empty();

        if (place.firstElementChild?.className !== what.className) {
            setChildren(place, what);
        }
    }

    const node = h('div', { class: 'view' },
        h('div', { class: 'view-head' },
            h('div', {}, heading,
                h('p', { class: 'muted' },
                    'What the workers that run now have loaded from their'
                    + ' files. A job starts every active workflow of its'
                    + ' trigger.'))),
        updates.banner, place, tools);

    return { title: 'Workflows', heading, node };
}


function workflowRow(titleOf) {
    const name = h('span', { class: 'endpoint' });
    const id = h('span', { class: 'second' });
    const trigger = h('span');
    const state = h('span');
    const workers = h('span');

    const node = h('tr', { role: 'row' },
        [[name, id], [trigger], [state], [workers]].map(
            (children, i) => h('td', {
                role: 'cell',
                class: i === 0 ? 'title' : null,
                'data-label': COLUMNS[i],
            }, children)));

    function update(workflow) {
        setText(name, workflow.name || workflow.id);
        setText(id, workflow.id);
        setText(trigger, titleOf(workflow.trigger));
        setText(state, workflow.active ? 'Active' : 'Not active');
        setAttribute(state, 'class',
            workflow.active ? 'badge good' : 'badge');
        setText(workers, count(workflow.workers, 'worker'));
    }

    return { node, update };
}


function empty() {
    return h('div', { class: 'card' },
        h('div', { class: 'empty' },
            icon('warning'),
            h('h2', {}, 'No worker reports a workflow'),
            h('p', { class: 'muted' }, 'Start clarity-worker with a folder of'
                + ' workflows, or add one to it and reload the worker with'
                + ' SIGHUP. Jobs wait in the queue as long as no worker'
                + ' runs.')));
}
