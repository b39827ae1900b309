// A webhook's request, as the browser sends it and as lines to paste into a
// terminal. Every value is quoted, whatever it holds.

const TYPE = 'application/json';


// Where the request goes and what it carries: a GET has its context in the
// query, everything else in the body.

export function requestOf({ method, url }, context) {
    if (!url) {
        throw new Error('The address is not known here: the nginx of this page'
            + ' has no clarity_webhooks.');
    }
    if (method !== 'GET') {
        return { method, url, body: context };
    }

    return { method, url: `${url}?${queryOf(context)}`, body: null };
}


// Strings as they are, all else as JSON. Throws where the text is none.

function queryOf(context) {
    return Object.entries(JSON.parse(context)).map(([name, value]) => {
        const text = typeof value === 'string' ? value : JSON.stringify(value);

        return `${encodeURIComponent(name)}=${encodeURIComponent(text)}`;
    }).join('&');
}


export function curlLine({ method, url, body }, header, token) {
    const lines = [
        `curl -sS -X ${method} ${quoteForShell(url)}`,
        `-H ${quoteForShell(`${header}: ${token}`)}`,
    ];

    // curl expands [], {} in URLs by itself.
    if (/[[\]{}]/.test(url)) {
        lines[0] = lines[0].replace('curl ', 'curl -g ');
    }

    // --data-raw, as --data reads a file where the text begins with "@".
    if (body !== null) {
        lines.push(`-H ${quoteForShell(`content-type: ${TYPE}`)}`,
            `--data-raw ${quoteForShell(body)}`);
    }

    return lines.join(' \\\n  ');
}


// POSIX: nothing is special between single quotes but the single quote.

export function quoteForShell(text) {
    return `'${text.replaceAll("'", "'\\''")}'`;
}


// Windows PowerShell 5.1 sends text as ISO 8859-1: hence the bytes.

export function powershellLine({ method, url, body }, header, token) {
    const lines = [
        `Invoke-RestMethod -Method ${method} -Uri ${quoteForPowershell(url)}`,
        `-Headers @{ ${quoteForPowershell(header)} =`
            + ` ${quoteForPowershell(token)} }`,
    ];

    if (body !== null) {
        lines.push(`-ContentType ${quoteForPowershell(TYPE)}`,
            '-Body ([Text.Encoding]::UTF8.GetBytes('
            + `${quoteForPowershell(body)}))`);
    }

    return lines.join(' `\n  ');
}


// PowerShell ends a quoted text at typographic quotes too; each of them stands
// for itself where it is doubled (about_Quoting_Rules, and its tokenizer).

export function quoteForPowershell(text) {
    return `'${text.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`;
}
