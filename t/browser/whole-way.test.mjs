// An administrator's whole way: from the empty page to a webhook that is used,
// refused, rotated, switched off and deleted.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { openView, pageTest } from './lib/browser.mjs';
import { context, contextNames, pageUrl, removeAllWebhooks, send, unique,
    waitUntil } from './lib/server.mjs';

const ENDPOINT = 'custom-provision-entitlement';
const TOKEN = /^clarity_wh_[A-Za-z0-9]{49}$/;

const run = promisify(execFile);


pageTest('the whole way of a webhook', async page => {
    await removeAllWebhooks();
    await page.goto(pageUrl);

    await create(page);
    await isInTheList(page);

    const webhook = await requestShown(page);

    await sendsTheCurlLine(page);
    await tellsWhyItRefused(page, webhook);
    await sendsTests(page);
    await rotates(page, webhook);
    await switchesOffAndOn(page, webhook);
    await deletes(page, webhook);
}, { permissions: ['clipboard-read', 'clipboard-write'] });


async function create(page) {
    await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
    await page.getByRole('link', { name: 'Add New Webhook' }).first().click();

    await page.getByLabel('Method').selectOption('POST');
    await page.getByLabel('Endpoint').fill(ENDPOINT);
    await page.getByLabel('Trigger').selectOption('Provision Entitlement');

    const panel = page.getByRole('region', { name: 'Required context' });

    assert.equal(await panel.locator('.names').textContent(),
        contextNames.join(','));
    assert.deepEqual(await panel.locator('ol li code').allTextContents(),
        contextNames);

    await page.getByRole('button', { name: 'Create Webhook' }).click();
    await page.getByRole('heading', { level: 1, name: ENDPOINT }).waitFor();
    assert.match(page.url(), /#\/webhooks\/wh_[A-Za-z0-9]{20}$/);
    await page.getByText(`POST ${ENDPOINT} is created.`).waitFor();
}


async function isInTheList(page) {
    await page.getByRole('link', { name: 'Webhooks', exact: true }).click();

    const row = page.getByRole('row').filter({ hasText: ENDPOINT });
    const live = await row.getByText(/^Live on (\d+) of \1$/).textContent();

    assert.notEqual(live, 'Live on 0 of 0');
    await row.getByText('Provision Entitlement').waitFor();
    assert.equal(await row.getByText('None on this nginx').count(), 2);
    await page.getByText('Another nginx may have seen other requests.')
        .waitFor();
    await row.getByText(/^[1-9]\d* workflows?$/).waitFor();
    assert.equal(await row.getByRole('switch').getAttribute('aria-checked'),
        'true');

    await row.getByRole('link').click();
    await page.getByRole('heading', { name: 'Activity' }).waitFor();
}


// The token is hidden until it is asked for.

async function requestShown(page) {
    const token = page.locator('.token');

    assert.match(await token.textContent(), /^•+$/);

    const copied = await copy(page, 'authentication token');
    assert.match(copied, TOKEN);
    assert.match(await token.textContent(), /^•+$/);

    await page.getByRole('button', { name: 'Show authentication token' })
        .click();
    await page.getByText(copied, { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Hide authentication token' })
        .click();
    assert.match(await token.textContent(), /^•+$/);

    return {
        method: 'POST',
        url: await copy(page, 'URL'),
        token: copied,
    };
}


// The button says for a moment that it has copied, so it may have either name.

async function copy(page, what) {
    await page.evaluate(() => navigator.clipboard.writeText(''));
    await page.getByRole('button', {
        name: new RegExp(`^(Copy|Copied) ${what}$`),
    }).click();

    return waitUntil(`${what} in the clipboard`,
        () => page.evaluate(() => navigator.clipboard.readText()));
}


async function sendsTheCurlLine(page) {
    const editor = page.getByLabel('Context', { exact: true });
    const names = Object.keys(JSON.parse(await editor.inputValue()));

    assert.deepEqual(names, contextNames);
    await editor.fill(JSON.stringify(context));
    await page.getByText('No requests known on this nginx').waitFor();
    await page.locator('.tokens').getByText('Last used before this nginx was'
        + ' started, or never').waitFor();

    const { stdout } = await run('sh', ['-c', await copy(page, 'curl line')]);
    const { status, job_id: job } = JSON.parse(stdout);

    assert.equal(status, 'accepted');

    const row = page.getByRole('row').filter({ hasText: job });

    await row.getByText('Accepted', { exact: true }).waitFor();
}


async function tellsWhyItRefused(page, webhook) {
    const { expiration, ...without } = context;

    assert.equal(expiration, null);
    assert.equal((await send(webhook, webhook.token, without)).status, 422);

    const row = page.getByRole('row').filter({ hasText: 'Wrong context' });

    await row.getByText(/expiration(: missing| is missing)/).waitFor();
    await row.getByText('HTTP 422').waitFor();

    assert.equal((await send(webhook, 'wrong')).status, 401);
    await page.getByRole('row').filter({ hasText: 'HTTP 401' })
        .getByText('Wrong authentication token').waitFor();
}


async function sendsTests(page) {
    await page.getByRole('button', { name: 'Send test (dry run)' }).click();
    await page.getByText('200 OK').waitFor();
    assert.match(await page.getByRole('region', { name: 'Answer' })
        .textContent(), /"status": "valid"/);

    await page.getByRole('button', { name: 'Send for real' }).click();
    await page.getByText('202 Accepted').last().waitFor();
    assert.match(await page.getByRole('region', { name: 'Answer' })
        .textContent(), /"job_id": "/);

    await page.getByLabel('Context', { exact: true })
        .fill('{"app_identifier": 1}');
    await page.getByRole('button', { name: 'Send test (dry run)' }).click();
    await page.getByText('422 Unprocessable').waitFor();
}


async function rotates(page, webhook) {
    const old = webhook.token;

    await rotate(page, 'For 24 hours');
    await page.getByText('There is a new authentication token. The one before'
        + ' it works until').waitFor();

    webhook.token = await copy(page, 'authentication token');
    assert.match(webhook.token, TOKEN);
    assert.notEqual(webhook.token, old);
    await answers(webhook, webhook.token, 202);
    await answers(webhook, old, 202);

    const tokens = page.locator('.tokens > li');

    assert.equal(await tokens.count(), 2);
    await tokens.nth(0).getByText('Newest').waitFor();
    await tokens.nth(1).getByText(/Last used (just now|\d+ second)/).waitFor();
    await tokens.nth(1).getByText(/Ends in/).waitFor();
    await tokens.nth(1).getByText('Used last').waitFor();
    await answers(webhook, webhook.token, 202);
    await tokens.nth(0).getByText('Used last').waitFor();
    await tokens.nth(1).getByText('Used last').waitFor({ state: 'hidden' });

    await tokens.nth(1).getByRole('button', { name: 'Revoke…' }).click();
    await page.getByText(/It was last used (just now|\d+ seconds ago)\. Where/)
        .waitFor();
    await page.getByRole('button', { name: 'Revoke token' }).click();
    await page.getByText('The token is revoked.').waitFor();
    assert.equal(await tokens.count(), 1);
    await answers(webhook, old, 401);
    await answers(webhook, webhook.token, 202);

    const leaked = webhook.token;

    await rotate(page, 'Not at all');
    await page.getByText('The one before it works no longer.').waitFor();
    webhook.token = await copy(page, 'authentication token');
    await answers(webhook, leaked, 401);
    await answers(webhook, webhook.token, 202);
}


async function rotate(page, overlap) {
    await page.getByRole('button', { name: 'Rotate…' }).click();
    await page.getByRole('dialog').getByLabel(overlap).check();
    await page.getByRole('button', { name: 'Rotate token' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
}


// A change is everywhere within a second.

async function answers(webhook, token, status) {
    await waitUntil(`an answer of ${status}`, async () =>
        (await send(webhook, token)).status === status);
}


async function switchesOffAndOn(page, webhook) {
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByText('The webhook is off').waitFor();
    await answers(webhook, webhook.token, 410);

    await page.getByRole('button', { name: 'Enable' }).click();
    await page.getByText('The webhook is on.').waitFor();
    await answers(webhook, webhook.token, 202);
}


async function deletes(page, webhook) {
    const open = page.getByRole('button', { name: 'Delete…' });

    await open.click();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal((await send(webhook, webhook.token)).status, 202);

    await open.click();
    await page.getByRole('button', { name: 'Delete webhook' }).click();
    await page.getByText(`POST ${ENDPOINT} is deleted.`).waitFor();
    await page.getByRole('heading', { level: 1, name: 'Webhooks' }).waitFor();
    await waitUntil('the row to go', async () =>
        await page.getByRole('row').filter({ hasText: ENDPOINT }).count()
            === 0);
    await answers(webhook, webhook.token, 404);
}


// The context of a GET is its query, in the test and in the curl line.

pageTest('a webhook of GET', async page => {
    const endpoint = unique('asked');

    await openView(page, '#/new', 'form');
    await page.getByLabel('Method').selectOption('GET');
    await page.getByLabel('Endpoint').fill(endpoint);
    await page.getByLabel('Trigger').selectOption('Provision Entitlement');
    await page.getByText('The query of the request has all of these')
        .waitFor();
    await page.getByRole('button', { name: 'Create Webhook' }).click();
    await page.getByRole('heading', { level: 1, name: endpoint }).waitFor();

    await page.getByLabel('Context', { exact: true })
        .fill(JSON.stringify({ ...context, app_identifier: 'a b&c=ü' }));
    await page.getByRole('button', { name: 'Send test (dry run)' }).click();
    await page.getByText('200 OK').waitFor();

    const { stdout } = await run('sh', ['-c', await copy(page, 'curl line')]);

    assert.equal(JSON.parse(stdout).status, 'accepted', stdout);
    await page.getByRole('row').filter({ hasText: 'HTTP 202' }).waitFor();
}, { permissions: ['clipboard-read', 'clipboard-write'] });
