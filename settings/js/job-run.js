// A run of a job: one workflow, and its steps.

import { h, keyedList, setText, tableHead } from './dom.js';
import { sayDuration, sayReason, setState } from './job-words.js';
import { sayWhole, setTime } from './time.js';
import { count, sayStatus } from './words.js';

const COLUMNS = ['Step', 'State', 'Attempts', 'Began', 'Took'];


export function runCard(run, nameOf) {
    const heading = h('h3', {}, nameOf(run.workflow));
    const id = nameOf(run.workflow) !== run.workflow
        && h('code', { class: 'second' }, run.workflow);
    const state = h('span');
    const attempts = h('span');
    const next = h('span');
    const goesOn = h('span', {}, 'Goes on ', next);
    const reason = h('span', { class: 'breakable' });
    const body = h('tbody', { role: 'rowgroup' });
    const table = h('table', {
        class: 'table wide',
        role: 'table',
        'aria-label': `Steps of ${nameOf(run.workflow)}`,
    },
    tableHead(COLUMNS),
    body);

    const node = h('section', { class: 'card run' },
        h('div', { class: 'card-head' }, h('div', {}, heading, id), state),
        h('div', { class: 'facts' }, attempts, goesOn, reason),
        table);

    const setSteps = keyedList(body, ({ id: step }) => step, stepRow);

    function update(now) {
        setState(state, now.state);
        setText(attempts, now.attempt > 1
            ? `Taken up ${count(now.attempt, 'time')}` : '');
        attempts.hidden = !(now.attempt > 1);
        goesOn.hidden = !now.next_at;
        setTime(next, now.next_at);
        setText(reason, sayReason(now.reason));
        reason.hidden = !now.reason;
        attempts.parentElement.hidden =
            attempts.hidden && goesOn.hidden && reason.hidden;
        setSteps(now.steps);
        table.hidden = now.steps.length === 0;
    }

    return { node, update };
}


function stepRow(step) {
    const state = h('span');
    const answer = h('span', { class: 'second' });
    const reason = h('span', { class: 'second breakable' });
    const attempts = h('span');
    const began = h('span');
    const beganWhole = h('span', { class: 'second' });
    const took = h('span');

    const node = h('tr', { role: 'row' },
        [[h('code', { class: 'breakable' }, step.id)],
            [state, answer, reason], [attempts], [began, beganWhole], [took]]
            .map((children, i) => h('td', {
                role: 'cell',
                class: i === 0 ? 'title' : null,
                'data-label': COLUMNS[i],
            }, children)));

    function update(now) {
        const { started_at: from, ended_at: to } = now;

        setState(state, now.state);
        answer.hidden = !now.status;
        setText(answer, now.status ? `Answered ${sayStatus(now.status)}` : '');

        // The number alone says no more than the line above.
        const said = now.reason === `answered ${now.status}`;

        reason.hidden = !now.reason || said;
        setText(reason, said ? '' : now.reason ?? '');
        setText(attempts, now.attempt ? String(now.attempt) : '–');
        setTime(began, from, now.state === 'pending' ? 'not yet' : '–');
        beganWhole.hidden = !from;
        setText(beganWhole, from ? sayWhole(from) : '');
        setText(took, from && to && to >= from
            ? sayDuration(Date.parse(to) - Date.parse(from)) : '–');
    }

    return { node, update };
}
