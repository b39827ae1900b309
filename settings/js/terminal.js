// A webhook's request as lines to paste into a terminal.

import { copyButton } from './clipboard.js';
import { h, setText } from './dom.js';
import { headerOf } from './header.js';
import { curlLine, powershellLine, requestOf } from './snippets.js';

const HIDDEN = '••••••••••••';
const TO_FILL_IN = 'TOKEN';


// Shown with the token hidden, unless it is shown elsewhere too; copied with
// the token itself. Returns { node, show(webhook, context) }.

export function terminalPart(token) {
    const snippets = [
        snippet('curl', curlLine),
        snippet('PowerShell', powershellLine),
    ];

    let webhook, context;
    let shownToken = null;

    token.onChange(value => {
        shownToken = value;
        show(webhook, context);
    });

    const node = h('div', { class: 'stack' },
        h('h2', {}, 'From a terminal'),
        snippets.map(one => one.node),
        h('p', { class: 'hint' }, token.readable
            ? 'Copied lines hold the authentication token in full.'
            : `Put the authentication token in the place of ${TO_FILL_IN}.`));

    function show(nowWebhook, nowContext) {
        webhook = nowWebhook;
        context = nowContext;

        for (const one of snippets) {
            one.show();
        }
    }

    function snippet(name, line) {
        const text = h('code');
        const say = tokenText => line(requestOf(webhook, context),
            headerOf(webhook), tokenText);

        return {
            node: h('div', { class: 'snippet' },
                h('div', { class: 'snippet-head' }, h('span', {}, name),
                    copyButton(async () => say(token.readable
                        ? await token.get() : TO_FILL_IN), `${name} line`)),
                h('pre', {
                    tabindex: 0, role: 'region', 'aria-label': `${name} line`,
                }, text)),
            show: () => {
                try {
                    setText(text, say(shownToken
                        ?? (token.readable ? HIDDEN : TO_FILL_IN)));
                } catch (error) {
                    setText(text, error.message);
                }
            },
        };
    }

    return { node, show };
}
