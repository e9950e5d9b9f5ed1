import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const ROOT = resolve(import.meta.dirname, "../..");

/** Serves the addresses of the local cloud that runs; a deployment has this file beside the others. */
function localDeployment(): Plugin {
  const serve: Plugin["configurePreviewServer"] = (server) => {
    server.middlewares.use("/deployment.json", (_, response) => {
      const file = process.env.PALAVER_ENDPOINTS ?? resolve(ROOT, "target/local/endpoints.json");
      response.setHeader("content-type", "application/json");
      if (process.env.PALAVER_DEPLOYMENT !== undefined) {
        response.end(process.env.PALAVER_DEPLOYMENT);
      } else if (existsSync(file)) {
        const { http, websocket, oidc_token } = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
        response.end(JSON.stringify({ http, websocket, local_issuer: oidc_token }));
      } else {
        response.statusCode = 503;
        response.end(JSON.stringify({ message: "no local cloud runs: cargo local" }));
      }
    });
  };
  return {
    name: "local-deployment",
    configureServer: serve as Plugin["configureServer"] & object,
    configurePreviewServer: serve,
  };
}

export default defineConfig({
  plugins: [react(), localDeployment()],
  resolve: {
    alias: {
      "@palaver/client/react": resolve(ROOT, "clients/typescript/src/react/index.ts"),
      "@palaver/client": resolve(ROOT, "clients/typescript/src/index.ts"),
    },
    // The hooks of the client and the application share one React.
    dedupe: ["react", "react-dom"],
  },
  build: { target: "es2022", sourcemap: true },
});
