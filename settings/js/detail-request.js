// What a sender has to be given: token, method, url, required context.

import { copyButton } from './clipboard.js';
import { contextList } from './context.js';
import { h, setChildren, setText } from './dom.js';
import { sayFailed } from './messages.js';
import { headerOf } from './header.js';
import { STATUSES, UNKNOWNS, sayIdempotency } from './words.js';

const HIDDEN = '••••••••••••••••';


export function requestCard(webhook, token, triggers) {
    const method = h('span');
    const url = h('code');
    const copyUrl = copyButton(() => url.textContent, 'URL');
    const trigger = h('span');
    const list = h('div');
    const unknown = h('span');
    const status = h('span');
    const idempotency = h('span');
    const header = h('code');

    let shown = '';

    const node = h('section', { class: 'card', 'aria-labelledby': 'request' },
        h('div', { class: 'card-head' },
            h('h2', { id: 'request' }, 'Request')),
        h('dl', { class: 'pairs' },
            pair('Authentication token', tokenPart(token),
                h('p', { class: 'hint' }, 'Sent in the header ', header)),
            pair('Method', method),
            pair('URL', h('div', { class: 'copyable' }, url, copyUrl)),
            pair('Trigger', trigger),
            pair('Required context', list),
            pair('Other parameters', unknown),
            pair('Answer', status),
            pair('Idempotency keys', idempotency)));

    function update(now) {
        setText(method, now.method);
        setText(url, now.url ?? 'That of another nginx');
        copyUrl.hidden = !now.url;
        setText(header, headerOf(now));
        setText(unknown, UNKNOWNS[now.unknown]?.[0]
            ?? 'As nginx.conf has it');
        setText(status, STATUSES[now.status] ?? String(now.status));
        setText(idempotency, sayIdempotency(now.idempotency));
        showContext(now);
    }

    // Made anew only if it is another one: somebody may be selecting in it.

    function showContext(now) {
        const what = JSON.stringify([now.trigger, now.context, now.order,
            now.method]);

        if (what === shown) {
            return;
        }

        const known = triggers.find(({ name }) => name === now.trigger);

        shown = what;
        setText(trigger, known?.title || now.trigger);
        setChildren(list, contextList({
            context: now.context, parameters: known?.parameters,
        }, now));
    }

    return { node, update };
}


function pair(name, ...content) {
    return h('div', {}, h('dt', {}, name), h('dd', {}, content));
}


function tokenPart(token) {
    if (!token.readable) {
        return h('p', {}, 'In nginx.conf, or a file that it names');
    }

    const text = h('code', { class: 'token' }, HIDDEN);
    const show = h('button', {
        type: 'button',
        class: 'button little',
        'aria-pressed': 'false',
        on: { click },
    }, 'Show', h('span', { class: 'unseen' }, ' authentication token'));

    let isShown = false;

    token.onChange(value => {
        isShown = value !== null;
        setText(text, value ?? HIDDEN);
        show.setAttribute('aria-pressed', String(isShown));
        setText(show.firstChild, isShown ? 'Hide' : 'Show');
    });

    async function click() {
        try {
            await token.show(!isShown);
        } catch (error) {
            sayFailed(`The token cannot be shown: ${error.message}`);
        }
    }

    return h('div', { class: 'copyable' }, text, show,
        copyButton(token.get, 'authentication token'));
}
