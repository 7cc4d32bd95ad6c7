// One mockscim server for this JVM, a directory of its own for each test. Java 17, no libraries.

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A tenant; close() drops it. */
final class MockScim implements AutoCloseable {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static Process process; // kept: were it collected, the server's standard input would be closed
    private static String root;

    final String baseUrl;
    final String token;
    private final String control;

    /** Make a tenant; options is JSON: {"profile", "fixture", "seed", "strict", "clock", …}. */
    MockScim(String options) throws IOException {
        control = root() + "/t/test-" + UUID.randomUUID() + "/_mockscim";
        baseUrl = field(ask("PUT", control, options), "base_url");
        token = field(ask("POST", control + "/tokens", "{}"), "token");
    }

    /** Add a fault rule. */
    void fault(String rule) throws IOException {
        ask("POST", control + "/faults", rule);
    }

    /** Fail unless the client did what is expected. */
    void verify(String expected) throws IOException {
        String verdict = ask("POST", control + "/verify", expected);
        if (!verdict.contains("\"ok\":true")) {
            throw new AssertionError(field(verdict, "explanation"));
        }
    }

    /** Fail if an invariant is broken. */
    void check() throws IOException {
        String judgement = ask("GET", control + "/invariants", "");
        StringBuilder words = new StringBuilder();
        for (String item : judgement.split("\\{(?=\"id\":)")) {
            if (item.contains("\"verdict\":\"broken\"")) {
                words.append(field(item, "id")).append(' ').append(field(item, "name")).append(": ");
                words.append(field(item, "why")).append("\n  ").append(field(item, "what")).append('\n');
            }
        }
        if (words.length() > 0) {
            throw new AssertionError(words + "reproduce: " + field(judgement, "reproduce"));
        }
    }

    @Override
    public void close() throws IOException {
        ask("DELETE", control, "");
    }

    private static synchronized String root() throws IOException {
        if (root == null) {
            String url = System.getenv("MOCKSCIM_URL");
            root = (url != null ? url : start()).replaceFirst("/*(scim/v2|_mockscim)?/*$", "");
        }
        return root;
    }

    /** Start a server, which ends with this JVM. */
    private static String start() throws IOException {
        ProcessBuilder builder = new ProcessBuilder("mockscim", "serve", "--port", "0", "--exit-with-stdin");
        process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        // SIGTERM. Should the JVM be killed, its end of the server's standard input closes, which ends the server too.
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        BufferedReader output = process.inputReader();
        String ready = output.readLine();
        if (ready == null) {
            throw new IOException("mockscim ended with exit code " + process.onExit().join().exitValue());
        }
        return field(ready, "base_url");
    }

    private static String ask(String method, String url, String body) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
        String adminToken = System.getenv("MOCKSCIM_ADMIN_TOKEN");
        if (adminToken != null) {
            request.header("Authorization", "Bearer " + adminToken);
        }
        request.method(method, HttpRequest.BodyPublishers.ofString(body));
        HttpResponse<String> answer;
        try {
            answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IOException(interrupted);
        }
        if (answer.statusCode() >= 300) {
            throw new AssertionError(method + " " + url + ": " + answer.statusCode() + " " + answer.body());
        }
        return answer.body();
    }

    /** A field of JSON that is text; if you have a JSON library, let it do this. */
    private static String field(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\":\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
        if (!found.find()) {
            throw new AssertionError("no " + name + " in " + json);
        }
        return found.group(1).replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
    }
}
