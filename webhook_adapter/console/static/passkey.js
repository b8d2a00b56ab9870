// Passkeys: what the router wants signed goes to the browser's authenticator, and what that signs goes back as it is.

import { newKey, post } from "./api.js";

const OLD = "This browser has no passkeys for this page. They take https, or http://localhost, and a browser of these years.";

export const hasPasskeys = () => Boolean(globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON);

/** Makes one, with the code of `pointsman passkey`. */
export async function addPasskey(code) {
  if (!hasPasskeys()) throw new Error(OLD);
  const { options } = await post("passkey-options", { key: newKey(), code });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await asked(navigator.credentials.create({ publicKey }));
  await post("passkey", { key: newKey(), code, credential: JSON.stringify(credential.toJSON()) });
}

/** Lets one sign that the question of a message is allowed; what became of it. */
export async function allowWithPasskey(message_id) {
  if (!hasPasskeys()) throw new Error(OLD);
  const { options } = await post("passkey-options", { key: newKey(), message_id });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await asked(navigator.credentials.get({ publicKey }));
  return post("allow", { key: newKey(), message_id, credential: JSON.stringify(credential.toJSON()) });
}

async function asked(answering) {
  try {
    return await answering;
  } catch (failure) {
    throw new Error(failure.name === "InvalidStateError" ? "That passkey is here already." : "No passkey was used: it took too long, or was not allowed.");
  }
}
