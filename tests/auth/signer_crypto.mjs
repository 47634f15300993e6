// What signer.mjs needs of jose, by node's own crypto: for machines that cannot reach npm. Shares no code with the gateway either.
import { constants, createHmac, generateKeyPairSync, sign } from "node:crypto";

const CURVES = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };
const encode = (bytes) => Buffer.from(bytes).toString("base64url");

export async function generateKeyPair(algorithm) {
    if (algorithm === "EdDSA") return generateKeyPairSync("ed25519");
    if (algorithm in CURVES) return generateKeyPairSync("ec", { namedCurve: CURVES[algorithm] });
    return generateKeyPairSync("rsa", { modulusLength: 2048 });
}

export async function exportJWK(key) {
    return key.export({ format: "jwk" });
}

function signature(algorithm, text, key) {
    const hash = "sha" + algorithm.slice(2);
    if (algorithm.startsWith("HS")) return createHmac(hash, key).update(text).digest();
    if (algorithm === "EdDSA") return sign(null, text, key);
    if (algorithm.startsWith("ES")) return sign(hash, text, { key, dsaEncoding: "ieee-p1363" });
    if (algorithm.startsWith("RS")) return sign(hash, text, { key, padding: constants.RSA_PKCS1_PADDING });
    return sign(hash, text, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
}

export class CompactSign {
    constructor(payload) {
        this.payload = payload;
    }
    setProtectedHeader(header) {
        this.header = header;
        return this;
    }
    async sign(key) {
        const text = encode(JSON.stringify(this.header)) + "." + encode(this.payload);
        return text + "." + encode(signature(this.header.alg, Buffer.from(text), key));
    }
}
