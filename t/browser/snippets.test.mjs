// The lines for a terminal, and the contexts that they hold, without any page.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { importOfPage } from './lib/modules.mjs';

const { exampleContext } = await importOfPage('example.js');
const { curlLine, powershellLine, quoteForPowershell, quoteForShell,
    requestOf } = await importOfPage('snippets.js');

const NASTY = ['', ' ', "'", "''", "it's", '"', '\\', '\\\'', '$HOME', '`id`',
    '$(id)', '!!', '*', '~', '-n', '@file', '\n', 'a\nb\n', '\t', '#', ';',
    '&', '%PATH%', '^', '\u2018\u2019\u201a\u201b', "\u2019'", 'ü🙂', '{a,b}',
    '[1-3]'];


test('the shell reads back what was quoted', () => {
    for (const text of NASTY) {
        // The x keeps $() from dropping new lines, as printf does not add any.
        assert.equal(execFileSync('sh',
            ['-c', `printf '%s' ${quoteForShell(text)}x`]).toString(),
        `${text}x`);
    }
});


test('PowerShell reads back what was quoted', () => {
    for (const text of NASTY) {
        assert.deepEqual(readPowershell(`${quoteForPowershell(text)}; rest`),
            [text, '; rest']);
    }
});


// As PowerShell's tokenizer does: five characters are single quotes, two of
// them in a row are the second one.

function readPowershell(text) {
    const isQuote = c => "'\u2018\u2019\u201a\u201b".includes(c);
    let value = '';
    let i = 1;

    assert.ok(isQuote(text[0]));

    for (;;) {
        assert.ok(i < text.length, `${text} does not end`);

        if (isQuote(text[i])) {
            i += 1;

            if (i >= text.length || !isQuote(text[i])) {
                return [value, text.slice(i)];
            }
        }

        value += text[i];
        i += 1;
    }
}


test('curl gets each argument whole', () => {
    for (const text of NASTY) {
        const request = {
            method: 'PUT', url: `http://127.0.0.1/${text}`, body: text,
        };
        const given = argumentsOf(curlLine(request, 'x-token', text));

        assert.deepEqual(given.filter(one => one !== '-g'), ['-sS', '-X',
            'PUT', request.url, '-H', `x-token: ${text}`, '-H',
            'content-type: application/json', '--data-raw', text]);
        assert.equal(given.includes('-g'), /[[\]{}]/.test(text));
    }
});


function argumentsOf(line) {
    return execFileSync('sh', ['-c',
        `curl() { for one; do printf '%s\\0' "$one"; done; }\n${line}`])
        .toString().split('\0').slice(0, -1);
}


test('a GET carries its context in the query', () => {
    const request = requestOf({ method: 'GET', url: 'http://a/b' },
        '{"name": "a b&c", "n": 1, "none": null, "list": [1]}');

    assert.deepEqual(request, {
        method: 'GET',
        url: 'http://a/b?name=a%20b%26c&n=1&none=null&list=%5B1%5D',
        body: null,
    });
    assert.deepEqual(argumentsOf(curlLine(request, 'x-token', 't')), ['-sS',
        '-X', 'GET', request.url, '-H', 'x-token: t']);
    assert.ok(!powershellLine(request, 'x-token', 't').includes('-Body'));
    assert.throws(() => requestOf({ method: 'GET', url: 'http://a/b' }, '{'),
        SyntaxError);
});


test('PowerShell sends the body as UTF-8', () => {
    assert.equal(powershellLine({
        method: 'POST', url: 'http://a/b', body: '{"name":"it\'s"}',
    }, 'x-token', 't'), [
        "Invoke-RestMethod -Method POST -Uri 'http://a/b' `",
        "  -Headers @{ 'x-token' = 't' } `",
        "  -ContentType 'application/json' `",
        "  -Body ([Text.Encoding]::UTF8.GetBytes('{\"name\":\"it''s\"}'))",
    ].join('\n'));
});


test('an example has every name in its order and fits its description', () => {
    const names = ['b', '7', '__proto__', 'a"b', 'when', 'who', 'kind',
        'short'];
    const text = exampleContext(names, [
        { name: 'b', type: ['integer', 'string'], minimum: 5 },
        { name: '7', type: 'boolean' },
        { name: 'when', type: ['string', 'null'], format: 'date-time' },
        { name: 'who', type: 'string', format: 'email' },
        { name: 'kind', enum: ['role', 'exception'] },
        { name: 'short', type: 'string', maxLength: 3 },
    ]);

    assert.deepEqual([...text.matchAll(/^ {2}("(?:[^"\\]|\\.)*"): /gm)]
        .map(found => JSON.parse(found[1])), names);

    const value = JSON.parse(text);

    assert.equal(value.b, 5);
    assert.equal(value['7'], true);
    assert.match(value.when, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(value.who, /@/);
    assert.equal(value.kind, 'role');
    assert.equal(value.short.length, 3);
});
