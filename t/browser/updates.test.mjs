// A view keeps itself up to date, and gets in nobody's way by it.

import assert from 'node:assert/strict';
import { openView, pageTest, removeRoutes, takePicture }
    from './lib/browser.mjs';
import { api, makeWebhook, send, unique, waitUntil } from './lib/server.mjs';
import { answer, answerFaults, answerNotLive } from './lib/views.mjs';

const UPDATE = 5_000;   // ms: longer than any view waits for the next one
const LONG = 600_000;   // ms


pageTest('what others do shows up, the focus stays', async page => {
    const endpoint = unique('seen');
    const { id, url, method, token, revision } = await makeWebhook(
        { endpoint });

    await page.clock.install();
    await openView(page, '#/', 'tbody tr');

    const row = page.getByRole('row').filter({ hasText: endpoint });
    const link = row.getByRole('link');

    await link.focus();
    await send({ method, url }, 'wrong');
    await anUpdate(page, 'webhooks?');
    await row.getByText('Wrong authentication token').waitFor();
    await send({ method, url }, token);
    await api('PATCH', `webhooks/${id}`, { active: false },
        { 'if-match': `"${revision}"` });
    await anUpdate(page, 'webhooks?');
    await row.getByText('Off').waitFor();
    assert.ok(await hasFocus(link), 'the focus stays where it was');

    const other = unique('other');

    await makeWebhook({ endpoint: other });
    await anUpdate(page, 'webhooks?');
    await page.getByRole('link', { name: other }).waitFor();
    assert.ok(await hasFocus(link), 'also where a row comes');

    const { body } = await api('GET', `webhooks/${id}`);

    await api('DELETE', `webhooks/${id}`, undefined,
        { 'if-match': `"${body.revision}"` });
    await anUpdate(page, 'webhooks?');
    await row.waitFor({ state: 'detached' });
    assert.ok(await hasFocus(page.getByRole('heading', { level: 1 })),
        'with its row it goes to the heading');
});


pageTest('a context that is typed stays', async page => {
    const { id } = await makeWebhook({ endpoint: unique('typed') });

    await page.clock.install();
    await openView(page, `#/webhooks/${id}`, '.attached > li');

    const editor = page.getByLabel('Context', { exact: true });

    await editor.fill('{"mine": true}');
    await editor.evaluate(node => node.setSelectionRange(2, 6));

    for (let i = 0; i < 3; i++) {
        await anUpdate(page, `webhooks/${id}`);
    }

    assert.equal(await editor.inputValue(), '{"mine": true}');
    assert.deepEqual(await editor.evaluate(
        node => [node.selectionStart, node.selectionEnd]), [2, 6]);
    assert.ok(await hasFocus(editor));
});


pageTest('nothing is asked for while the page is hidden', async page => {
    await page.clock.install();
    await openView(page, '#/', 'tbody tr');
    await anUpdate(page, 'webhooks?');

    await hide(page, true);
    await isAskedNothing(page);

    await hide(page, false);
    await anUpdate(page, 'webhooks?');
});


pageTest('updates can be paused', async page => {
    await page.clock.install();
    await openView(page, '#/', 'tbody tr');
    await anUpdate(page, 'webhooks?');

    await page.getByRole('button', { name: 'Pause updates' }).click();
    await isAskedNothing(page);

    await page.getByRole('button', { name: 'Resume updates' }).click();
    await anUpdate(page, 'webhooks?');
});


pageTest('a server that is away is said, and found again', async page => {
    await page.clock.install();
    await openView(page, '#/', 'tbody tr');
    await page.route('**/settings/api/**', route => route.abort());
    await page.clock.runFor(UPDATE);
    await page.getByText('The server cannot be reached.').waitFor();
    assert.ok(await page.locator('tbody tr').count(),
        'what was shown stays');

    await removeRoutes(page);
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.getByText('The server cannot be reached.')
        .waitFor({ state: 'detached' });
});


pageTest('what stands before the API is told by its status', async page => {
    const refuse = status => page.route('**/settings/api/**',
        route => route.fulfill({
            status, contentType: 'text/html', body: '<h1>no</h1>',
        }));

    await refuse(401);
    await openView(page, '#/new', '.note.bad');
    await page.getByText('You are not signed in').waitFor();

    await removeRoutes(page);
    await refuse(502);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('The server answered with HTTP 502.').waitFor();

    await removeRoutes(page);
    await refuse(200);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('is not JSON').waitFor();

    for (const other of [{}, [], null, 1, { triggers: 'no list' }]) {
        await removeRoutes(page);
        await page.route('**/settings/api/**',
            route => answer(route, 200, other));
        await page.getByRole('button', { name: 'Try again' }).click();
        await page.getByText(other === null ? 'is not JSON'
            : 'is not of this API').waitFor();
    }

    await removeRoutes(page);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByLabel('Endpoint').waitFor();
});


pageTest('not each 404 says that a webhook is gone', async page => {
    const { id } = await makeWebhook({ endpoint: unique('not-gone') });

    await page.clock.install();
    await openView(page, `#/webhooks/${id}`, '.attached > li');
    await page.route('**/settings/api/**', route => route.fulfill({
        status: 404, contentType: 'text/html', body: '<h1>404</h1>',
    }));
    await page.clock.runFor(UPDATE);
    await page.getByText('The server answered with HTTP 404.').waitFor();
    assert.ok(await page.locator('.tokens > li').count(),
        'what was shown stays');

    await removeRoutes(page);
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.locator('.note.bad').waitFor({ state: 'detached' });
});


pageTest('where a webhook is not live is said', async page => {
    const endpoint = unique('live');
    const { id } = await makeWebhook({ endpoint });
    const places = [
        ['#/', () => page.getByRole('row').filter({ hasText: endpoint })],
        [`#/webhooks/${id}`, () => page.locator('.facts')],
    ];

    for (const [hash, place] of places) {
        await openView(page, hash, '.badge.good:has-text("Live on")');
        await removeRoutes(page);

        for (const workers of [3, 4]) {
            const live = { workers, of: 4, reason: `why at ${workers}` };

            await answerNotLive(page, live);
            await openView(page, hash, '.why:visible');
            await place().getByText(live.reason).waitFor();
            assert.match(await place().getByText(`Live on ${workers} of 4`)
                .getAttribute('class'), /\bwarn\b/);
            await removeRoutes(page);
        }
    }
});


pageTest('what was wrong with a context is said of each part', async page => {
    const { id, url, method, token } = await makeWebhook(
        { endpoint: unique('faults') });

    await send({ method, url }, token, {});
    await answerFaults(page);
    await openView(page, `#/webhooks/${id}`, '.faults > li');
    assert.deepEqual((await page.locator('.faults > li').allTextContents())
        .filter((text, i) => i !== 5), [
        'expiration: missing',
        'meta: out of order',
        'expires: not known',
        'identity_id: there twice',
        'creator_id: of the wrong type',
        'grant_type: not an allowed value',
        'Not thought of yet',
    ]);
});


pageTest('a change whose answer is lost is not claimed', async page => {
    const endpoint = unique('lost');

    await openView(page, '#/new', 'form');
    await page.getByLabel('Endpoint').fill(endpoint);
    await page.getByLabel('Trigger').selectOption('Provision Entitlement');
    await page.route('**/settings/api/webhooks', async route => {
        await route.fetch();
        await route.abort();
    });
    await page.getByRole('button', { name: 'Create Webhook' }).click();
    await page.getByText('It is not known whether the change was made.')
        .waitFor();
    assert.equal(await page.getByLabel('Endpoint').inputValue(), endpoint);

    await removeRoutes(page);
    await page.getByRole('button', { name: 'Create Webhook' }).click();
    await page.locator('.fault:visible').waitFor();
});


// What was done stays done where the view cannot be read again.

pageTest('a rotation is told although the view is lost', async page => {
    const { id, tokens, url, method } = await makeWebhook(
        { endpoint: unique('rotated') });
    const webhook = `**/settings/api/webhooks/${id}`;

    await openView(page, `#/webhooks/${id}`, '.tokens > li');
    await page.getByRole('button', { name: 'Pause updates' }).click();
    await page.getByRole('button', { name: 'Rotate…' }).click();
    await page.route(webhook, route => route.abort());
    await page.getByRole('button', { name: 'Rotate token' }).click();
    await page.getByText(/new authentication token\. .* could not be read/)
        .waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0,
        'there is nothing to press again');

    const token = await page.locator('.token').textContent();
    const { body } = await api('GET', `webhooks/${id}`);

    assert.equal((await send({ method, url }, token)).status, 202,
        'the new one is shown');
    assert.deepEqual(await page.locator('.tokens > li code')
        .allTextContents(), body.tokens.map(one => one.id));
    assert.deepEqual(body.tokens.map(one => one.id).slice(1),
        tokens.map(one => one.id));

    // A revocation brings the webhook itself.
    await page.unroute(webhook);
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.locator('.note.bad').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Revoke…' }).click();
    await page.route(webhook, route => route.abort());
    await page.getByRole('button', { name: 'Revoke token' }).click();
    await page.getByText('The token is revoked.').waitFor();
    assert.equal(await page.locator('.tokens > li').count(), 1);
});


pageTest('a rotation whose answer is lost is made once', async page => {
    const { id } = await makeWebhook({ endpoint: unique('once') });
    const rotate = `**/settings/api/webhooks/${id}/rotate`;
    const dialog = page.getByRole('dialog');

    await openView(page, `#/webhooks/${id}`, '.tokens > li');
    await page.getByRole('button', { name: 'Rotate…' }).click();
    await page.route(rotate, async route => {
        await route.fetch();
        await route.abort();
    });
    await page.getByRole('button', { name: 'Rotate token' }).click();
    await dialog.getByText('It is not known whether').waitFor();
    await page.unroute(rotate);
    await page.getByRole('button', { name: 'Rotate token' }).click();
    await dialog.getByText('The attempt before was carried out after all')
        .waitFor();

    const { tokens } = (await api('GET', `webhooks/${id}`)).body;

    assert.equal(tokens.length, 2);
    await dialog.getByText(`new token, ${tokens[0].id}`).waitFor();
});


pageTest('a webhook that somebody deletes is gone', async (page, { openAnother }) => {
    const { id, revision } = await makeWebhook({ endpoint: unique('gone') });
    const other = await openAnother();

    await page.clock.install();
    await openView(page, `#/webhooks/${id}`, '.attached');
    await openView(other, `#/webhooks/${id}/edit`, 'form');
    await api('DELETE', `webhooks/${id}`, undefined,
        { 'if-match': `"${revision}"` });
    await page.clock.runFor(UPDATE);
    await page.getByRole('heading', { name: 'This webhook is gone' })
        .waitFor();

    await other.getByLabel('Endpoint').fill(unique('late'));
    await other.getByRole('button', { name: 'Save changes' }).click();
    await other.getByText('Somebody else has deleted this webhook').waitFor();
    await takePicture(other, 'edit-deleted', { whole: false });
    await other.getByLabel('Endpoint').fill('../up');
    await other.getByRole('button', { name: 'Create it anew' }).click();
    await other.locator('.fault:visible').waitFor();

    const endpoint = unique('anew');

    await other.getByLabel('Endpoint').fill(endpoint);
    await other.getByRole('button', { name: 'Create it anew' }).click();
    await other.getByRole('heading', { level: 1, name: endpoint }).waitFor();
    assert.notEqual(decodeURIComponent(new URL(other.url()).hash),
        `#/webhooks/${id}`);
    await other.getByText('is created anew.').waitFor();
});


function hasFocus(locator) {
    return locator.evaluate(node => node === document.activeElement);
}


// The clock of the page is put forward to its next update; returns when that
// has been answered.

async function anUpdate(page, path) {
    const answered = page.waitForResponse(
        response => response.url().includes(`/settings/api/${path}`));

    await page.clock.runFor(UPDATE);
    await answered;
}


// What was on its way is let come first.

async function isAskedNothing(page) {
    let asked = 0;

    await page.waitForLoadState('networkidle');
    page.on('request', () => { asked += 1; });
    await page.clock.runFor(LONG);
    assert.equal(asked, 0);
}


// As the browser does it for a tab in the background.

function hide(page, hidden) {
    return page.evaluate(value => {
        Object.defineProperty(document, 'hidden',
            { configurable: true, get: () => value });
        document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
}
