// Makes tokens and key sets with the library jose, which shares no code with the gateway. One JSON command a line in, one JSON
// answer a line out: {"make":"RS256","kid":"k"} a key; {"sign":{…claims},"key":n,"header":{…}} a token; {"jwks":[n,…]} a key set.
// Started by suite_jwt.py with the folder of jose's module.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const jose = await import(pathToFileURL(process.argv[2]).href);
const keys = [];

async function make(command) {
    const options = { extractable: true };
    if (command.make.startsWith("HS")) {
        keys.push({ algorithm: command.make, secret: new TextEncoder().encode(command.secret) });
        return keys.length - 1;
    }
    const pair = await jose.generateKeyPair(command.make, options);
    const jwk = await jose.exportJWK(pair.publicKey);
    if (command.kid !== undefined) jwk.kid = command.kid;
    if (command.pinned) jwk.alg = command.make;
    keys.push({ algorithm: command.make, secret: pair.privateKey, jwk });
    return keys.length - 1;
}

async function answer(command) {
    if (command.make) return make(command);
    if (command.jwks) return { keys: command.jwks.map((number) => keys[number].jwk) };
    const key = keys[command.key];
    const text = new TextEncoder().encode(command.payload ?? JSON.stringify(command.sign));
    return new jose.CompactSign(text).setProtectedHeader({ alg: key.algorithm, ...command.header }).sign(key.secret, command.options);
}

for await (const line of createInterface({ input: process.stdin })) {
    let said;
    try {
        said = { ok: await answer(JSON.parse(line)) };
    } catch (error) {
        said = { error: String(error) };
    }
    process.stdout.write(JSON.stringify(said) + "\n");
}
