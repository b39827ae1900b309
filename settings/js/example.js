// A context to begin with: every parameter in its order, each with a value
// that its description in triggers.json allows.

const DAYS_AHEAD = 30;


// As text, not as an object: an object would put names like "7" first.
// `parameters` are the descriptions, where the server gives them.

export function exampleContext(names, parameters = []) {
    const lines = names.map(name => {
        const described = parameters.find(one => one.name === name) ?? {};
        const text = JSON.stringify(value(described));

        return `  ${JSON.stringify(name)}: ${text}`;
    });

    return `{\n${lines.join(',\n')}\n}`;
}


function value(described) {
    if (Array.isArray(described.enum) && described.enum.length) {
        return described.enum[0];
    }

    const types = [described.type].flat();

    // Where a number is as good as a text it is most often a number.
    switch (types.includes('integer') ? 'integer' : types[0]) {
    case 'integer':
    case 'number':
        return number(described);
    case 'boolean':
        return true;
    case 'null':
        return null;
    case 'array':
        return [];
    case 'object':
        return {};
    case 'string':
        return string(described);
    default:
        return {};
    }
}


function number({ minimum, maximum }) {
    if (minimum !== undefined && minimum > 1) {
        return Math.ceil(minimum);
    }

    return maximum !== undefined && maximum < 1 ? Math.floor(maximum) : 1;
}


function string({ format, minLength = 0, maxLength = Infinity }) {
    const then = new Date(Date.now() + DAYS_AHEAD * 86_400_000).toISOString();

    switch (format) {
    case 'date':
    case 'date-or-date-time':
        return then.slice(0, 10);
    case 'date-time':
        return `${then.slice(0, 19)}Z`;
    case 'uuid':
        return '00000000-0000-4000-8000-000000000000';
    case 'email':
        return 'somebody@example.com';
    default:
        return 'example'.padEnd(minLength, '-').slice(0, maxLength);
    }
}


// "string or null, a date", or '' where all is allowed.

export function sayType({ type, format, enum: allowed } = {}) {
    const words = [];

    if (Array.isArray(allowed)) {
        words.push(`one of ${allowed.map(one => JSON.stringify(one))
            .join(', ')}`);
    } else if (type !== undefined) {
        words.push([type].flat().join(' or '));
    }

    if (format) {
        words.push(format.replaceAll('-or-', ' or '));
    }

    return words.join(', ');
}
