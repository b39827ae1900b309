// Every view of the page, each opened as a reader would find it.

import { context, makeWebhook, send } from './server.mjs';
import { openView } from './browser.mjs';

const EMPTY = {
    'webhooks?': { webhooks: [], next: null, revision: 0 },
    workflows: { workflows: [] },
};


// What the views show: webhooks with all there is to say of them.

export async function makeExamples() {
    const used = await makeWebhook({ endpoint: 'service-now/provision' });
    const { expiration, ...without } = context;

    await send(used, 'wrong');
    await send(used, used.token, { ...without, expiration: expiration ?? 5 });
    await send(used, used.token);

    await makeWebhook({
        method: 'PUT',
        endpoint: 'hr/identity-modified',
        trigger: 'identity_modified',
        active: false,
        order: 'any',
        unknown: 'drop',
        status: 200,
    });
    await makeWebhook({
        endpoint: 'a-long-endpoint-for-a-system-that-likes-long-names/'
            + 'withnothinginitthatalinecouldbreakatsoitcannotbutoverflow',
        trigger: 'self_service_access_request',
    });

    return used;
}


// [name, open(page)] of each; `id` is a webhook of the settings, `confId` one
// of nginx.conf.

export function viewsOf(id, confId) {
    const detail = `#/webhooks/${id}`;

    return [
        ['list', page => openView(page, '#/', 'tbody tr')],
        ['list-empty', async page => {
            await answerWith(page, 'webhooks?');
            await openView(page, '#/', '.empty');
        }],
        ['list-away', async page => {
            await page.route('**/settings/api/**', route => route.abort());
            await openView(page, '#/', '.note.bad');
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
            `#/webhooks/${encodeURIComponent(confId)}`, '#activity')],
        ['detail-gone', page => openView(page,
            '#/webhooks/wh_00000000000000000000', '.empty')],
        ['rotate', async page => {
            await openView(page, detail, '.tokens > li');
            await page.getByRole('button', { name: 'Rotate…' }).click();
        }],
        ['delete', async page => {
            await openView(page, detail, '.tokens > li');
            await page.getByRole('button', { name: 'Delete…' }).click();
        }],
        ['edit', page => openView(page, `${detail}/edit`, 'form')],
        ['edit-conflict', page => openWithConflict(page, id)],
        ['workflows', page => openView(page, '#/workflows', 'tbody tr')],
        ['workflows-empty', async page => {
            await answerWith(page, 'workflows');
            await openView(page, '#/workflows', '.empty');
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


// The clash alone is shown here: what comes of it two-administrators tests.

async function openWithConflict(page, id) {
    await page.route(`**/settings/api/webhooks/${id}`, route =>
        route.request().method() === 'PATCH'
            ? answer(route, 412, { detail: 'changed', status: 412 })
            : route.continue());
    await openView(page, `#/webhooks/${id}/edit`, 'form');
    await page.getByLabel('Endpoint').fill('mine');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Somebody else has changed').waitFor();
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
