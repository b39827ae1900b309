// docs/openapi.yaml: a linter passes it, and the server answers as it says.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { require, rootFolder } from './lib/modules.mjs';
import { api, makeWebhook, send, unique, waitUntil }
    from './lib/server.mjs';

const { bundle, createConfig, lint } = require('@redocly/openapi-core');
const Ajv = require('ajv/dist/2020').default;
const addFormats = require('ajv-formats').default;

const ref = `${rootFolder}docs/openapi.yaml`;

let ajv, described;

before(async () => {
    const config = await createConfig({ extends: ['recommended-strict'] });
    const { bundle: { parsed } } = await bundle({ ref, config });

    // Clients are to bear new members; here each has to be described.
    described = close(parsed);
    ajv = new Ajv({ strict: false, allErrors: true });
    addFormats(ajv);
    ajv.addSchema(described, 'openapi');
});


test('the linter passes it', async () => {
    const config = await createConfig({
        extends: ['recommended-strict'],
        rules: { 'operation-4xx-response': 'error' },
    });
    const problems = await lint({ ref, config });

    assert.deepEqual(problems.map(({ ruleId, message, location }) =>
        `${ruleId}: ${message} ${location[0]?.pointer}`), []);
});


test('the server answers as it says', async () => {
    const made = await answers('POST', '/webhooks', 201, {
        method: 'POST',
        endpoint: unique('described'),
        trigger: 'provision_entitlement',
    });
    const id = made.body.id;

    await send(made.body, made.body.token);
    await send(made.body, 'wrong');
    await send(made.body, made.body.token, {});

    await answers('GET', '/triggers', 200);
    await answers('GET', '/workflows', 200);
    await answers('GET', '/webhooks', 200);
    await answers('GET', '/webhooks/{id}', 200, undefined, { id });
    await answers('GET', '/webhooks/{id}/activity', 200, undefined, { id });
    await answers('GET', '/webhooks/{id}/token', 200, undefined, { id });
    await answers('POST', '/webhooks/{id}/rotate', 200, { overlap: '1h' },
        { id });

    const now = await answers('GET', '/webhooks/{id}', 200, undefined, { id });

    await answers('POST', '/webhooks/{id}/revoke', 200,
        { token_id: now.body.tokens[1].id }, { id });

    const { etag } = await api('GET', `webhooks/${id}`);
    const changed = await answers('PATCH', '/webhooks/{id}', 200,
        { status: 200, idempotency: '1h', order: 'any' },
        { id, 'if-match': etag });

    await answers('DELETE', '/webhooks/{id}', 204, undefined,
        { id, 'if-match': changed.etag });

    const conf = await idOfNginxConf();

    await answers('GET', '/webhooks/{id}', 200, undefined, { id: conf });
    await answers('GET', '/webhooks/{id}/activity', 200, undefined,
        { id: conf });
});


test('jobs are as it says', async () => {
    const webhook = await makeWebhook({
        endpoint: unique('jobs'), trigger: 'self_service_access_request',
    });
    const { body: { job_id: id } } = await send(webhook, webhook.token, {
        identity_id: 1, app_identifier: 'fails', entitlement_id: 1,
    });

    await waitUntil('it to fail', async () =>
        (await api('GET', `jobs/${id}`)).body.state === 'failed');
    await answers('GET', '/jobs', 200);
    await answers('GET', '/jobs', 200, undefined, { query: 'state=failed' });
    await answers('GET', '/jobs/{id}', 200, undefined, { id });
    await answers('POST', '/jobs/{id}/retry', 200, {}, { id });

    for (const [method, path, status, code, body, headers] of [
        ['GET', '/jobs', 422, 'invalid', undefined, { query: 'state=lost' }],
        ['GET', '/jobs', 403, 'cross_origin', undefined,
            { 'sec-fetch-site': 'cross-site' }],
        ['GET', '/jobs/{id}', 404, 'job_not_found', undefined,
            { id: '0-1-1' }],
        ['POST', '/jobs/{id}/retry', 404, 'job_not_found', {},
            { id: '0-1-1' }],
        ['POST', '/jobs/{id}/retry', 422, 'invalid', { all: true }, { id }],
        ['POST', '/jobs/{id}/retry', 415, 'media_type_unsupported', {},
            { id, 'content-type': 'text/plain' }],
    ]) {
        const { body: said } = await answers(method, path, status, body,
            headers);

        assert.equal(said.code, code, `${method} ${path}: ${said.code}`);
    }

    const { body: good } = await send(webhook, webhook.token, {
        identity_id: 1, app_identifier: 'works', entitlement_id: 1,
    });

    await waitUntil('it to succeed', async () =>
        (await api('GET', `jobs/${good.job_id}`)).body.state === 'succeeded');

    const { body: said } = await answers('POST', '/jobs/{id}/retry', 409, {},
        { id: good.job_id });

    assert.equal(said.code, 'job_not_failed');
});


test('and refuses as it says', async () => {
    const { id, endpoint, tokens } = await makeWebhook(
        { endpoint: unique('refused') });
    const taken = {
        method: 'POST', endpoint, trigger: 'provision_entitlement',
    };
    const conf = await idOfNginxConf();

    for (const [method, path, status, code, body, headers] of [
        ['POST', '/webhooks', 422, 'invalid', { surprise: 1 }],
        ['POST', '/webhooks', 409, 'endpoint_taken', taken],
        ['POST', '/webhooks', 415, 'media_type_unsupported', taken,
            { 'content-type': 'text/plain' }],
        ['POST', '/webhooks', 403, 'cross_origin', taken,
            { origin: 'http://other.example' }],
        ['POST', '/webhooks', 403, 'cross_origin', taken,
            { 'sec-fetch-site': 'cross-site' }],
        ['GET', '/webhooks', 403, 'cross_origin', undefined,
            { 'sec-fetch-site': 'cross-site' }],
        ['PATCH', '/webhooks/{id}', 428, 'precondition_required', {}, { id }],
        ['PATCH', '/webhooks/{id}', 412, 'precondition_failed', {},
            { id, 'if-match': '"0"' }],
        ['DELETE', '/webhooks/{id}', 412, 'precondition_failed', undefined,
            { id, 'if-match': '"0"' }],
        ['GET', '/webhooks/{id}', 404, 'webhook_not_found', undefined,
            { id: 'wh_00000000000000000000' }],
        ['GET', '/webhooks', 422, 'invalid', undefined, { query: 'limit=0' }],
        ['POST', '/webhooks', 413, 'payload_too_large',
            { endpoint: 'x'.repeat(65536) }],
        ['POST', '/webhooks/{id}/rotate', 422, 'invalid', { overlap: '91d' },
            { id }],
        ['POST', '/webhooks/{id}/revoke', 409, 'last_token',
            { token_id: tokens[0].id }, { id }],
        ['GET', '/webhooks/{id}/token', 409, 'read_only', undefined,
            { id: conf }],
        ['DELETE', '/webhooks/{id}', 409, 'read_only', undefined,
            { id: conf, 'if-match': '"0"' }],
    ]) {
        const { body: said } = await answers(method, path, status, body,
            headers);

        assert.equal(said.code, code, `${method} ${path}: ${said.code}`);
    }
});


// Those of nginx.conf come first.

async function idOfNginxConf() {
    const { body } = await api('GET', 'webhooks');
    const { id, source } = body.webhooks[0];

    assert.equal(source, 'nginx.conf');

    return encodeURIComponent(id);
}


// `id` and `query` among the headers stand for the path's.

async function answers(method, path, status, body,
    { id, query, ...headers } = {}) {
    const got = await api(method, path.slice(1).replace('{id}', id)
        + (query ? `?${query}` : ''), body, headers);

    assert.equal(got.status, status,
        `${method} ${path}: ${JSON.stringify(got.body)}`);

    const response = resolve(described.paths[path][method.toLowerCase()]
        .responses[status]);
    const { content } = response;

    assert.equal(got.type?.split(';')[0], content && Object.keys(content)[0],
        `${method} ${path} ${status}: the media type`);

    if (content) {
        const { schema } = Object.values(content)[0];
        const validate = ajv.compile({ $ref: `openapi${schema.$ref}` });

        assert.ok(validate(got.body), `${method} ${path} ${status}: `
            + ajv.errorsText(validate.errors));
    }

    return got;
}


function resolve(node) {
    return node.$ref
        ? node.$ref.slice(2).split('/').reduce((at, name) => at[name],
            described)
        : node;
}


function close(node) {
    if (node === null || typeof node !== 'object') {
        return node;
    }
    if (Array.isArray(node)) {
        return node.map(close);
    }

    const copy = Object.fromEntries(Object.entries(node).map(
        ([name, value]) => [name, close(value)]));

    if (copy.type === 'object' && copy.properties) {
        copy.additionalProperties = false;
    }

    return copy;
}
