export interface Credentials {
  email: string;
  password: string;
}

/** The one-click login of the sandbox: `#email=…&password=…`, a plus being a plus. Null when either is missing. */
export function credentialsFrom(fragment: string): Credentials | null {
  const params = new URLSearchParams(fragment.replace(/^#/, "").replaceAll("+", "%2B"));
  const email = params.get("email");
  const password = params.get("password");
  return email && password ? { email, password } : null;
}
