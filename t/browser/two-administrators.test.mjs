// Two administrators at the same webhook: the second one loses nothing, and
// overwrites nothing unseen.

import assert from 'node:assert/strict';

import { openView, pageTest } from './lib/browser.mjs';
import { api, makeWebhook, unique } from './lib/server.mjs';


pageTest('the second one to save keeps what was typed', async (first,
    { openAnother }) => {
    const { id } = await makeWebhook({ endpoint: unique('two') });
    const second = await openAnother();
    const firsts = unique('firsts');
    const seconds = unique('seconds');

    await openView(first, `#/webhooks/${id}/edit`, 'form');
    await openView(second, `#/webhooks/${id}/edit`, 'form');

    await first.getByLabel('Endpoint').fill(firsts);
    await first.getByText('Options', { exact: true }).click();
    await first.getByLabel('In any order').check();
    await save(first);
    await first.getByRole('heading', { level: 1, name: firsts }).waitFor();

    await second.getByLabel('Endpoint').fill(seconds);
    await second.getByLabel('Trigger').selectOption('Identity Modified');
    await save(second);
    await second.getByText('Somebody else has changed this webhook').waitFor();

    assert.equal((await api('GET', `webhooks/${id}`)).body.endpoint, firsts,
        'what the first one saved is not overwritten');
    assert.equal(await second.getByLabel('Endpoint').inputValue(), seconds);
    assert.equal(await second.getByLabel('Trigger').inputValue(),
        'identity_modified');
    await second.getByText(`Saved by somebody else: ${firsts}.`).waitFor();
    await second.getByText('Changed by somebody else meanwhile.').waitFor();
    assert.ok(await second.getByLabel('In any order').isChecked(),
        'what only the first one changed is taken over');

    await save(second);
    await second.getByRole('heading', { level: 1, name: seconds }).waitFor();

    const { body } = await api('GET', `webhooks/${id}`);

    assert.deepEqual([body.endpoint, body.trigger, body.order],
        [seconds, 'identity_modified', 'any']);
});


pageTest('the second one may take what the first one saved', async page => {
    const { id, revision } = await makeWebhook({ endpoint: unique('take') });
    const theirs = unique('theirs');

    await openView(page, `#/webhooks/${id}/edit`, 'form');
    await api('PATCH', `webhooks/${id}`, { endpoint: theirs },
        { 'if-match': `"${revision}"` });
    await page.getByLabel('Endpoint').fill(unique('mine'));
    await save(page);
    await page.getByRole('button', { name: 'Discard mine' }).click();
    assert.equal(await page.getByLabel('Endpoint').inputValue(), theirs);
    assert.equal(await page.locator('.theirs:visible').count(), 0);
});


// The list and the detail are read again every few seconds; here they are not,
// as if the other one's change had come within these.

pageTest('a switch does not undo what it has not seen', async page => {
    const endpoint = unique('switch');
    const { id, revision } = await makeWebhook({ endpoint });

    await openView(page, '#/', 'tbody tr');
    await page.getByRole('button', { name: 'Pause updates' }).click();
    await api('PATCH', `webhooks/${id}`, { order: 'any' },
        { 'if-match': `"${revision}"` });

    const row = page.getByRole('row').filter({ hasText: endpoint });

    await row.getByRole('switch').click();
    await page.getByText('Somebody else has just changed').waitFor();

    const { body } = await api('GET', `webhooks/${id}`);

    assert.deepEqual([body.active, body.order], [true, 'any']);

    await row.getByRole('switch').click();
    await page.getByText(`${endpoint} is switched off.`).waitFor();
});


pageTest('a webhook is not deleted as it was', async page => {
    const { id, revision } = await makeWebhook({ endpoint: unique('delete') });

    await openView(page, `#/webhooks/${id}`, '.tokens > li');
    await page.getByRole('button', { name: 'Pause updates' }).click();
    await api('PATCH', `webhooks/${id}`, { order: 'any' },
        { 'if-match': `"${revision}"` });
    await page.getByRole('button', { name: 'Delete…' }).click();

    const dialog = page.getByRole('dialog');

    await dialog.getByRole('button', { name: 'Delete webhook' }).click();
    await dialog.getByText('Somebody else has just changed').waitFor();
    assert.equal((await api('GET', `webhooks/${id}`)).status, 200);

    await dialog.getByRole('button', { name: 'Delete webhook' }).click();
    await page.getByText('is deleted.').waitFor();
    assert.equal((await api('GET', `webhooks/${id}`)).status, 404);
});


pageTest('a token is not rotated unseen', async page => {
    const made = await makeWebhook({ endpoint: unique('rotate') });

    await openView(page, `#/webhooks/${made.id}`, '.tokens > li');
    await page.getByRole('button', { name: 'Pause updates' }).click();

    const { body: theirs } = await api('POST', `webhooks/${made.id}/rotate`,
        { overlap: '0s' });

    await page.getByRole('button', { name: 'Rotate…' }).click();

    const dialog = page.getByRole('dialog');

    await dialog.getByLabel('Not at all').check();
    await dialog.getByRole('button', { name: 'Rotate token' }).click();
    await dialog.getByText('Somebody else has just changed').waitFor();
    assert.equal((await api('GET', `webhooks/${made.id}/token`)).body.token,
        theirs.token, 'the token that the first one has given on is good');

    await dialog.getByRole('button', { name: 'Rotate token' }).click();
    await page.getByText('There is a new authentication token.').waitFor();
});


function save(page) {
    return page.getByRole('button', { name: 'Save changes' }).click();
}
