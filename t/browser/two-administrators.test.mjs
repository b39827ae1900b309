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
    await dialog.getByText('Somebody else has changed this webhook').waitFor();
    await dialog.getByText('Order of the parameters: In any order').waitFor();
    assert.equal((await api('GET', `webhooks/${id}`)).status, 200);

    await dialog.getByRole('button', { name: 'Delete all the same' }).click();
    await page.getByText('is deleted.').waitFor();
    assert.equal((await api('GET', `webhooks/${id}`)).status, 404);
});


// The view of the first one is read again while the dialog is open, so it knows
// the new token; who has been asked before that does not.

pageTest('a token is not rotated unseen', async (first, { openAnother }) => {
    const made = await makeWebhook({ endpoint: unique('rotate') });
    const second = await openAnother();
    const token = async () =>
        (await api('GET', `webhooks/${made.id}/token`)).body;

    await openView(first, `#/webhooks/${made.id}`, '.tokens > li');
    await openView(second, `#/webhooks/${made.id}`, '.tokens > li');

    const dialog = await openRotation(first);

    await openRotation(second);
    await second.getByRole('button', { name: 'Rotate token' }).click();
    await second.getByText('There is a new authentication token.').waitFor();

    const theirs = await token();

    await first.locator('.tokens').getByText(theirs.id).waitFor();
    await first.getByRole('button', { name: 'Rotate token' }).click();
    await dialog.getByText('Somebody else has changed this webhook').waitFor();
    await dialog.getByText(new RegExp(`new token, ${theirs.id}, made (just now`
        + '|\\d+ seconds ago)')).waitFor();
    await dialog.getByText(`The token ${made.tokens[0].id} is good no longer`)
        .waitFor();
    assert.deepEqual(await token(), theirs,
        'what the second one has given on is good');

    await dialog.getByRole('button', { name: 'Stop' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual(await token(), theirs, 'and stays so');
});


pageTest('who has seen what is there may go on', async page => {
    const { id } = await makeWebhook({ endpoint: unique('go-on') });

    await openView(page, `#/webhooks/${id}`, '.tokens > li');

    const dialog = await openRotation(page);
    const rotateElsewhere = async () =>
        (await api('POST', `webhooks/${id}/rotate`, { overlap: '0s' })).body;

    const first = await rotateElsewhere();

    await page.getByRole('button', { name: 'Rotate token' }).click();
    await dialog.getByText(first.id).waitFor();

    // It is seen anew each time, not once for all.
    const second = await rotateElsewhere();

    await dialog.getByRole('button', { name: 'Rotate all the same' }).click();
    await dialog.getByText(second.id).waitFor();
    assert.equal((await api('GET', `webhooks/${id}/token`)).body.token,
        second.token);

    await dialog.getByRole('button', { name: 'Rotate all the same' }).click();
    await page.getByText('There is a new authentication token.').waitFor();
    assert.notEqual((await api('GET', `webhooks/${id}/token`)).body.token,
        second.token);
});


pageTest('a token is not revoked unseen', async page => {
    const made = await makeWebhook({ endpoint: unique('revoke') });
    const old = made.tokens[0].id;
    const change = (what, body) =>
        api('POST', `webhooks/${made.id}/${what}`, body);
    const ids = async () => (await api('GET', `webhooks/${made.id}`)).body
        .tokens.map(({ id }) => id);

    await change('rotate', { overlap: '1h' });
    await openView(page, `#/webhooks/${made.id}`, '.tokens > li + li');
    await page.getByRole('button', { name: 'Revoke…' }).last().click();

    const dialog = page.getByRole('dialog');

    await dialog.getByText('1 other token goes on working.').waitFor();

    const { body: newer } = await change('rotate', { overlap: '2h' });

    await page.locator('.tokens').getByText(newer.id).waitFor();
    await dialog.getByRole('button', { name: 'Revoke token' }).click();
    await dialog.getByText(`new token, ${newer.id}`).waitFor();
    await dialog.getByText('2 other tokens go on working.').waitFor();
    assert.ok((await ids()).includes(old));

    await change('revoke', { token_id: old });
    await dialog.getByRole('button', { name: 'Revoke all the same' }).click();
    await dialog.getByText('There is nothing left to revoke.').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    assert.equal((await ids()).length, 2);
});


async function openRotation(page) {
    const dialog = page.getByRole('dialog');

    await page.getByRole('button', { name: 'Rotate…' }).click();
    await dialog.getByLabel('Not at all').check();

    return dialog;
}


function save(page) {
    return page.getByRole('button', { name: 'Save changes' }).click();
}
