// What the webhooks of jobs are called: a job has the id of one that was made
// here, or the name of one of nginx.conf.

import { NO_WEBHOOK, getWebhook } from './api.js';
import { h, setChildren } from './dom.js';
import { webhookHash } from './router.js';
import { sayMethodAndEndpoint } from './words.js';


// Each is asked for once, as long as the view is there.

export function webhookNames(signal) {
    const known = new Map();

    async function learn(webhooks) {
        const wanted = new Set(webhooks.filter(
            name => name && !known.has(name)));

        await Promise.all([...wanted].map(async name => {
            try {
                known.set(name, await getWebhook(addressOf(name), signal));
            } catch (error) {
                // Its name is a help and no more; what is wrong with the
                // server shows elsewhere.
                if (error.code === NO_WEBHOOK) {
                    known.set(name, null);
                }
            }
        }));
    }

    // A link, where the webhook is still there. Made anew only if it is
    // another one.

    function show(place, name) {
        const webhook = known.get(name);
        const text = webhook ? sayName(webhook) : name;

        if (place.dataset.text === text && place.dataset.name === name) {
            return;
        }

        place.dataset.text = text;
        place.dataset.name = name;
        setChildren(place, webhook
            ? h('a', { href: webhookHash(webhook.id) }, text)
            : name ? h('span', {}, name)
                : h('span', { class: 'muted' }, 'not known'));
    }

    return { learn, show };
}


// The endpoint of one of nginx.conf is its location; the name may say more.

function sayName(webhook) {
    return webhook.source === 'nginx.conf'
        ? webhook.id.replace(/^conf:/, '') : sayMethodAndEndpoint(webhook);
}


function addressOf(name) {
    return /^wh_[A-Za-z0-9_-]+$/.test(name) ? name : `conf:${name}`;
}
