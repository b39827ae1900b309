// A webhook's authentication token: fetched when somebody wants it, because
// each time is written down in the audit, and kept until the view is left.

import { getToken } from './api.js';


// Returns
//   { readable, get(), show(wanted), learn(made), update(webhook),
//     onChange(listener) }
// `readable` is false for webhooks of nginx.conf, whose tokens no API tells. A
// listener gets the token while it is shown, else null.

export function tokenOf(webhook) {
    const listeners = [];

    let newest = webhook.tokens?.[0]?.id;
    let fetched = null;
    let shown = null;

    function tell() {
        for (const listener of listeners) {
            listener(shown);
        }
    }

    async function get() {
        if (!fetched) {
            fetched = getToken(webhook.id).then(({ token }) => token);
            fetched.catch(() => { fetched = null; });
        }

        return fetched;
    }

    async function show(wanted) {
        shown = wanted ? await get() : null;
        tell();
    }

    // What a rotation has brought need not be asked for.

    function learn(made) {
        newest = made.id;
        fetched = Promise.resolve(made.token);
        shown = null;
        tell();
    }

    // After a rotation the token is another one, and hidden again.

    function update(now) {
        const id = now.tokens?.[0]?.id;

        if (id !== newest) {
            newest = id;
            fetched = null;
            shown = null;
            tell();
        }
    }

    return {
        readable: webhook.source !== 'nginx.conf',
        get,
        show,
        learn,
        update,
        onChange: listener => listeners.push(listener),
    };
}
