// Views by the part of the address after "#": #/, #/new, #/webhooks/ID,
// #/jobs?state=failed, …

import { h, setAttribute, setChildren } from './dom.js';
import { clearMessagesOfLastView } from './messages.js';

const SITE = 'Workflows settings · Clarity';
const main = document.getElementById('main');

let routes = [];
let leave = null;


// `table`: [pattern, view] pairs. A view is called with
//   { captured, query, signal, setTitle }
// where `captured` is what the pattern captured, decoded, and `signal` is
// aborted when the reader leaves the view. It returns
//   { title, heading, node }

export function startRouter(table) {
    routes = table;
    window.addEventListener('hashchange', () => show({ focus: true }));
    show({ focus: false });
}


export function go(hash) {
    if (location.hash === hash) {
        show({ focus: true });
    } else {
        location.hash = hash;
    }
}


// `replace`: the back button does not lead to where the reader is now.

export function goInstead(hash) {
    history.replaceState(null, '', hash);
    show({ focus: true });
}


export const listHash = after =>
    after ? `#/?after=${encodeURIComponent(after)}` : '#/';
export const webhookHash = id => `#/webhooks/${encodeURIComponent(id)}`;
export const editHash = id => `${webhookHash(id)}/edit`;
export const jobHash = id => `#/jobs/${encodeURIComponent(id)}`;

export function jobsHash({ state, after }) {
    const query = String(new URLSearchParams(
        Object.entries({ state, after }).filter(([, value]) => value)));

    return query ? `#/jobs?${query}` : '#/jobs';
}


function show({ focus }) {
    const isView = location.hash.startsWith('#/');

    // "#main" is an anchor in the view that is there, if one is.
    if (location.hash && !isView && leave) {
        return;
    }

    const hash = isView ? location.hash : '#/';

    leave?.abort();
    leave = new AbortController();

    const view = find(hash.slice(1), leave.signal);

    setTitle(view.title);
    setChildren(main, view.node);
    markPlace(hash);
    clearMessagesOfLastView();

    if (focus) {
        window.scrollTo(0, 0);
        view.heading.focus({ preventScroll: true });
    }
}


function find(address, signal) {
    const [path, search = ''] = address.split('?');
    const query = new URLSearchParams(search);

    for (const [pattern, view] of routes) {
        const captured = decode(pattern.exec(path));

        if (captured) {
            return view({ captured, query, signal, setTitle });
        }
    }

    return notFound();
}


function decode(match) {
    try {
        return match?.slice(1).map(decodeURIComponent);
    } catch {
        return null;
    }
}


function setTitle(title) {
    document.title = `${title} · ${SITE}`;
}


function markPlace(hash) {
    const here = ['#/workflows', '#/jobs'].find(
        place => hash.startsWith(place)) ?? '#/';

    for (const link of document.querySelectorAll('.top nav a')) {
        setAttribute(link, 'aria-current',
            link.getAttribute('href') === here ? 'page' : null);
    }
}


function notFound() {
    const heading = h('h1', { tabindex: -1 }, 'There is no such page');

    return {
        title: 'Not found',
        heading,
        node: h('div', { class: 'empty' }, heading,
            h('p', {}, h('a', { href: '#/' }, 'All webhooks'))),
    };
}
