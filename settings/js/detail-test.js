// Trying a webhook: from here, and from a terminal.

import { h, icon, setAttribute, setChildren, setText, uniqueId }
    from './dom.js';
import { exampleContext } from './example.js';
import { textField } from './fields.js';
import { sendToWebhook } from './send.js';
import { terminalPart } from './terminal.js';
import { count, sayStatus } from './words.js';


// `parameters` are the descriptions of the webhook's trigger, where known.
// `sent` is called after each test: the activity has something new.

export function testCard(webhook, parameters, token, sent) {
    const terminal = terminalPart(token);
    const editor = contextEditor(webhook.context.length, showLines);
    const ownToken = token.readable ? null : textField({
        label: 'Authentication token',
        hint: 'Used for this test alone; it is not stored.',
        type: 'password',
        autocomplete: 'one-time-code',
    });
    const consequence = h('p', { class: 'hint' });
    const answer = h('div', { class: 'live', role: 'status' });
    const buttons = [
        h('button', { type: 'submit', class: 'button primary' },
            'Send test (dry run)'),
        h('button', {
            type: 'button', class: 'button', on: { click: () => send(false) },
        }, 'Send for real'),
    ];
    const reset = h('button', {
        type: 'button', class: 'button plain', on: { click: fill },
    }, 'Reset the context');

    let current = webhook;
    let filled = null;
    let busy = false;

    const node = h('section', { class: 'card', 'aria-labelledby': 'try' },
        h('div', { class: 'halves' },
            h('form', { class: 'stack', novalidate: true, on: { submit } },
                h('h2', { id: 'try' }, 'Send test'),
                editor.node, ownToken?.node,
                h('div', { class: 'buttons' }, buttons, reset),
                consequence, answer),
            terminal.node));

    function showLines() {
        terminal.show(current, editor.get());
    }

    function fill() {
        filled = exampleContext(current.context, parameters);
        editor.set(filled);
        showLines();
    }

    // A context that was typed is not taken away; one that was not follows
    // the trigger.

    function update(now) {
        const sameContext = String(now.context) === String(current.context);

        current = now;

        if (filled === null || (!sameContext && editor.get() === filled)) {
            fill();
        }

        showLines();
        editor.showMethod(now.method);
        setText(consequence, 'A dry run is checked as any request and makes no'
            + ' job. For real it is queued, and starts '
            + (now.workflows
                ? `${count(now.workflows, 'workflow')}.`
                : 'nothing, as no active workflow is attached.'));
    }

    // Enter in the field of the token makes no job.

    function submit(event) {
        event.preventDefault();
        send(true);
    }

    async function send(dry) {
        if (busy) {
            return;
        }

        setBusy(true);
        setChildren(answer, h('p', { class: 'muted' }, 'Sending…'));

        try {
            setChildren(answer, answerNode(await sendToWebhook(current, {
                context: editor.get(),
                token: token.readable ? await token.get() : ownToken.get(),
                dry,
            }), dry));
        } catch (error) {
            setChildren(answer, failureNode(error));
        }

        setBusy(false);
        sent();
    }

    function setBusy(value) {
        busy = value;

        for (const button of buttons) {
            setAttribute(button, 'aria-disabled', value ? 'true' : null);
        }
    }

    return { node, update };
}


function contextEditor(parameters, change) {
    const id = uniqueId('field');
    const hintId = uniqueId('hint');
    const hint = h('p', { class: 'hint', id: hintId });
    const editor = h('textarea', {
        id,
        rows: parameters + 2,
        spellcheck: 'false',
        autocomplete: 'off',
        autocapitalize: 'none',
        'aria-describedby': hintId,
        on: { input: change },
    });

    return {
        node: h('div', { class: 'field' },
            h('label', { for: id }, 'Context'),
            editor,
            hint),
        showMethod: method => setText(hint, method === 'GET'
            ? 'JSON, sent as the query that means the same; so in the lines'
                + ' for a terminal.'
            : 'JSON, sent as it stands here; the lines for a terminal hold it'
                + ' too.'),
        get: () => editor.value,
        set: value => { editor.value = value; },
    };
}


function answerNode({ status, body, time }, dry) {
    const good = status >= 200 && status < 300;

    return h('div', { class: 'answer' },
        h('p', {},
            h('span', { class: good ? 'badge good' : 'badge bad' },
                icon(good ? 'done' : 'stop'), sayStatus(status)),
            h('span', { class: 'muted' }, `${dry ? 'dry run' : 'for real'},`
                + ` answered in ${time} ms`)),
        h('pre', { tabindex: 0, role: 'region', 'aria-label': 'Answer' },
            pretty(body)));
}


function failureNode(error) {
    return h('div', { class: 'note bad' }, icon('stop'),
        h('div', {}, h('p', {}, error instanceof SyntaxError
            ? `The context is not JSON: ${error.message}`
            : error.message)));
}


function pretty(text) {
    try {
        return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
        return text;
    }
}
