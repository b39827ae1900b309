// Every view of the page, each opened as a reader would find it.

import { api, context, makeWebhook, removeAllWebhooks, send, waitForLive }
    from './server.mjs';
import { openView } from './browser.mjs';

const EMPTY = {
    'webhooks?': { webhooks: [], next: null, revision: 0 },
    workflows: { workflows: [] },
    'jobs?': { jobs: [], next: null },
};

const JOB = {
    job_id: '0-1732000000000-0',
    trigger: 'provision_entitlement',
    webhook: 'POST /hooks/provision',
    state: 'failed',
    reason: 'workflow "grant": step "ticket": answered 400',
    received_at: '2024-11-19T07:06:40.123Z',
};

// A job with all that can become of runs and steps.
const RUNS = [{
    workflow: 'chat',
    state: 'waiting',
    attempt: 3,
    reason: 'answered 503',
    next_at: '2099-01-01T00:00:00.000Z',
    steps: [
        step('tell', 'pending', { attempt: 2, status: 503,
            reason: 'answered 503' }),
        step('log', 'pending'),
    ],
}, {
    workflow: 'grant',
    state: 'failed',
    attempt: 1,
    reason: 'step "ticket": answered 400',
    steps: [
        step('look-up', 'succeeded', { attempt: 1, status: 200 }),
        step('a-step-whose-name-no-line-could-break-at'.repeat(2), 'running',
            { attempt: 1, ended_at: null }),
        step('ticket', 'failed', { attempt: 8, status: 400,
            reason: 'the answer is longer than 1 MB' }),
        step('tell', 'skipped'),
    ],
}, {
    workflow: 'revoke', state: 'cancelled', attempt: 1, reason: 'by hand',
    steps: [],
}];


function step(id, state, more = {}) {
    const began = more.attempt > 0;

    return {
        id,
        state,
        attempt: 0,
        reason: null,
        started_at: began ? '2024-11-19T07:06:41.000Z' : null,
        ended_at: began ? '2024-11-19T07:06:42.345Z' : null,
        ...more,
    };
}


// An id as somebody may have written it who is not the page.
const UNREADABLE = [{
    id: 'wh_0123456789abcdefghij',
    reason: 'wh_0123456789abcdefghij:1: "trigger" is missing',
}];

const NOT_LIVE = {
    workers: 3,
    of: 4,
    reason: '1 nginx has not been heard of for 12 s: it serves what it knew'
        + ' then',
};

const FAULTS = [
    { code: 'missing', parameter: 'expiration' },
    { code: 'out_of_order', parameter: 'meta' },
    { code: 'unknown', parameter: 'expires' },
    { code: 'duplicate', parameter: 'identity_id' },
    { code: 'wrong_type', parameter: 'creator_id' },
    { code: 'wrong_format', parameter: 'a-name-that-no-line-could-break-at'
        .repeat(3) },
    { code: 'not_allowed', parameter: 'grant_type' },
    { code: 'not_thought_of_yet', parameter: '' },
];


// What the views show: these webhooks and no others. Returns the ids of
//   used:    accepted and refused requests
//   off:     switched off, and no workflow is attached
//   rotated: two tokens, both used
//   conf:    one of nginx.conf
//   job:     a job that has succeeded

export async function makeExamples() {
    await removeAllWebhooks();

    const used = await makeWebhook({ endpoint: 'service-now/provision' });
    const { expiration, ...without } = context;

    await send(used, 'wrong');
    await send(used, used.token, { ...without, expiration: expiration ?? 5 });

    const { body: { job_id: job } } = await send(used, used.token);

    const off = await makeWebhook({
        method: 'PUT',
        endpoint: 'hr/identity-modified',
        trigger: 'identity_modified',
        active: false,
        order: 'any',
        unknown: 'drop',
        status: 200,
        idempotency: '1h',
    });

    const rotated = await makeWebhook({
        endpoint: 'a-long-endpoint-for-a-system-that-likes-long-names/'
            + 'withnothinginitthatalinecouldbreakatsoitcannotbutoverflow',
    });
    const { body: newer } = await api('POST',
        `webhooks/${rotated.id}/rotate`, { overlap: '7d' });

    await waitForLive(rotated.id);
    await send(rotated, rotated.token);
    await send(rotated, newer.token);

    const { body } = await api('GET', 'webhooks');
    const conf = body.webhooks.find(({ source }) => source === 'nginx.conf');

    return {
        used: used.id, off: off.id, rotated: rotated.id, conf: conf.id,
        job,
    };
}


// [name, open(page)] of each view of what makeExamples has made.

export function viewsOf({ used, off, rotated, conf, job }) {
    const detail = `#/webhooks/${used}`;

    return [
        ['list', page => openView(page, '#/', 'tbody tr')],
        ['list-unreadable', async page => {
            await page.route('**/settings/api/webhooks?*', async route => {
                const list = await (await route.fetch()).json();

                await answer(route, 200, { ...list, unreadable: UNREADABLE });
            });
            await openView(page, '#/', '.faults > li');
        }],
        ['list-empty', async page => {
            await answerWith(page, 'webhooks?');
            await openView(page, '#/', '.empty');
        }],
        ['list-away', async page => {
            await page.route('**/settings/api/**', route => route.abort());
            await openView(page, '#/', '.note.bad');
        }],
        ['list-not-live', async page => {
            await answerNotLive(page);
            await openView(page, '#/', '.why:visible');
        }],
        ['detail-not-live', async page => {
            await answerNotLive(page);
            await openView(page, detail, '.why:visible');
        }],
        ['detail-faults', async page => {
            await answerFaults(page);
            await openView(page, detail, '.faults > li');
        }],
        ['new', page => openView(page, '#/new', 'form')],
        ['new-trigger', async page => {
            await openView(page, '#/new', 'form');
            await page.getByLabel('Endpoint').fill('custom-provision');
            await page.getByLabel('Trigger')
                .selectOption('Provision Entitlement');
        }],
        ['new-faults', openWithFaults],
        ['detail', page => openView(page, detail, '.attached > li')],
        ['detail-tested', async page => {
            await openView(page, detail, '.attached > li');
            await page.getByLabel('Context', { exact: true })
                .fill(JSON.stringify(context, null, 2));
            await page.getByRole('button', { name: 'dry run' }).click();
            await page.locator('.answer').waitFor();
        }],
        ['detail-of-nginx-conf', page => openView(page,
            `#/webhooks/${encodeURIComponent(conf)}`, '#activity')],
        ['detail-gone', page => openView(page,
            '#/webhooks/wh_00000000000000000000', '.empty')],
        ['detail-off', page => openView(page, `#/webhooks/${off}`,
            '.note')],
        ['detail-rotated', page => openView(page,
            `#/webhooks/${rotated}`, '.tokens > li + li')],
        ['rotate', async page => {
            await openView(page, detail, '.tokens > li');
            await page.getByRole('button', { name: 'Rotate…' }).click();
            await page.getByRole('dialog').getByLabel('For another time')
                .check();
            await page.getByLabel('How long', { exact: true }).fill('soon');
            await page.getByRole('button', { name: 'Rotate token' }).click();
            await page.getByRole('dialog').locator('.fault:visible')
                .waitFor();
        }],
        ['rotate-conflict', async page => {
            await openView(page, `#/webhooks/${off}`, '.tokens > li');
            await page.getByRole('button', { name: 'Rotate…' }).click();
            await api('POST', `webhooks/${off}/rotate`, { overlap: '0s' });
            await page.getByRole('button', { name: 'Rotate token' }).click();
            await page.getByRole('dialog').locator('.changes').waitFor();
        }],
        ['revoke', async page => {
            await openView(page, `#/webhooks/${rotated}`,
                '.tokens > li + li');
            await page.getByRole('button', { name: 'Revoke…' }).last()
                .click();
        }],
        ['delete', async page => {
            await openView(page, detail, '.tokens > li');
            await page.getByRole('button', { name: 'Delete…' }).click();
        }],
        ['edit', page => openView(page, `${detail}/edit`, 'form')],
        ['edit-conflict', page => openWithConflict(page, used)],
        ['workflows', page => openView(page, '#/workflows', 'tbody tr')],
        ['workflows-empty', async page => {
            await answerWith(page, 'workflows');
            await openView(page, '#/workflows', '.empty');
        }],
        ['jobs', async page => {
            await answerJobs(page);
            await openView(page, '#/jobs', 'tbody tr');
        }],
        ['jobs-failed', page => openView(page, '#/jobs?state=failed',
            '.empty, tbody tr')],
        ['jobs-further', async page => {
            await page.route('**/settings/api/jobs?*', route => answer(route,
                200, { jobs: [], next: '1732000000000-0.0-1732000000000-0' }));
            await openView(page, '#/jobs?state=cancelled', '.empty');
        }],
        ['jobs-empty', async page => {
            await answerWith(page, 'jobs?');
            await openView(page, '#/jobs', '.empty');
        }],
        ['jobs-away', async page => {
            await page.route('**/settings/api/**', route => route.abort());
            await openView(page, '#/jobs', '.note.bad');
        }],
        ['job', page => openView(page, `#/jobs/${job}`, '#runs')],
        ['job-failed', openFailedJob],
        ['job-queued', async page => {
            await answerJob(page, { ...JOB, state: 'queued', reason: null,
                runs: [] });
            await openView(page, `#/jobs/${JOB.job_id}`, '#runs');
        }],
        ['job-gone', page => openView(page, '#/jobs/0-1-1', '.empty')],
        ['retry', async page => {
            await openFailedJob(page);
            await page.getByRole('button', { name: 'Retry…' }).click();
            await page.getByRole('dialog').waitFor();
        }],
        ['retry-refused', async page => {
            await openFailedJob(page);
            await page.route('**/jobs/*/retry', route => answer(route, 409, {
                status: 409,
                code: 'job_changed',
                detail: 'The job has changed just now: somebody else retries'
                    + ' it, or erases it. Look at it again.',
            }));
            await page.getByRole('button', { name: 'Retry…' }).click();
            await page.getByRole('button', { name: 'Retry job' }).click();
            await page.getByRole('dialog').locator('.note').waitFor();
        }],
    ];
}


async function openWithFaults(page) {
    await openView(page, '#/new', 'form');
    await page.getByLabel('Endpoint').fill('../up');
    await page.getByLabel('Trigger').selectOption('Identity Modified');
    await page.getByText('Options', { exact: true }).click();
    await page.getByLabel('Remember idempotency keys')
        .selectOption('For a time of its own');
    await page.getByLabel('For how long').fill('soon');
    await page.getByRole('button', { name: 'Create Webhook' }).click();
    await page.locator('.fault:visible').first().waitFor();
}


// As if somebody else had saved in the meantime; two-administrators has it in
// earnest.

async function openWithConflict(page, id) {
    let clash = false;

    await page.route(`**/settings/api/webhooks/${id}`, async route => {
        if (route.request().method() === 'PATCH') {
            clash = true;
            await answer(route, 412, { detail: 'changed', status: 412 });
            return;
        }

        const webhook = await (await route.fetch()).json();

        await answer(route, 200, clash ? {
            ...webhook, endpoint: 'theirs', unknown: 'keep',
        } : webhook);
    });
    await openView(page, `#/webhooks/${id}/edit`, 'form');
    await page.getByLabel('Endpoint').fill('mine');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Somebody else has changed').waitFor();
}


// An nginx that is not heard of, which no test has the time for.

export function answerNotLive(page, live = NOT_LIVE) {
    const told = webhook => ({ ...webhook, live });

    return page.route(/\/settings\/api\/webhooks(\?.*|\/wh_[^/]+)$/,
        async route => {
            const body = await (await route.fetch()).json();

            await answer(route, 200, body.webhooks
                ? { ...body, webhooks: body.webhooks.map(told) }
                : told(body));
        });
}


// A request with all that can be wrong with a context.

export function answerFaults(page) {
    return page.route('**/settings/api/webhooks/*/activity', async route => {
        const { activity } = await (await route.fetch()).json();

        await answer(route, 200, {
            activity: activity.map(one => one.outcome !== 'context_invalid'
                ? one : { ...one, faults: FAULTS }),
        });
    });
}


// One of each state, which real ones are in for moments only.

export function answerJobs(page) {
    const states = ['queued', 'running', 'waiting', 'failed', 'succeeded',
        'cancelled'];

    return page.route('**/settings/api/jobs?*', route => answer(route, 200, {
        jobs: states.map((state, i) => ({
            ...JOB,
            job_id: `0-173200000000${i}-0`,
            state,
            reason: {
                waiting: 'workflow "chat": step "tell": answered 503',
                failed: JOB.reason,
                succeeded: 'no_active_workflow',
            }[state] ?? null,
            webhook: i % 2 ? JOB.webhook : 'wh_00000000000000000000',
            next_at: state === 'waiting' ? '2099-01-01T00:00:00.000Z' : null,
        })),
        next: '1732000000000-0.0-1732000000000-0',
    }));
}


export function answerJob(page, job) {
    return page.route(`**/settings/api/jobs/${job.job_id}`,
        route => answer(route, 200, job));
}


async function openFailedJob(page) {
    await answerJob(page, { ...JOB, runs: RUNS });
    await openView(page, `#/jobs/${JOB.job_id}`, '#runs');
}


function answerWith(page, path) {
    const pattern = new RegExp(`/settings/api/${path.replace('?', '\\?')}`);

    return page.route(pattern, route => answer(route, 200, EMPTY[path]));
}


export function answer(route, status, body) {
    return route.fulfill({
        status,
        contentType: 'application/json',
        body: JSON.stringify(body),
    });
}
