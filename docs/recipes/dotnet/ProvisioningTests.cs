// One mockscim server for this test run, a directory of its own for each test. .NET 8, xUnit 2.
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

public class ProvisioningTests
{
    [Fact]
    public async Task A_lost_answer_makes_no_second_user()
    {
        await using var scim = await MockScim.CreateAsync(new { profile = "standard", seed = 7 });
        await scim.FaultAsync(new { type = "lost_ack", match = new { operation = "user.create" }, times = 1 });
        await ProvisionAsync(scim.BaseUrl, scim.Token, "eve@example.com");
        await scim.VerifyAsync(new { operation = "user.create", committed = true, count = 1 });
        await scim.CheckAsync();
    }

    /// <summary>The client that is tested; yours takes its place. It looks before it creates, and when in doubt.</summary>
    private static async Task ProvisionAsync(string baseUrl, string token, string userName)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var filter = Uri.EscapeDataString($"userName eq \"{userName}\"");
        var user = new { schemas = new[] { "urn:ietf:params:scim:schemas:core:2.0:User" }, userName };
        for (var attempt = 0; attempt < 3; attempt++)
        {
            try
            {
                var found = await http.GetFromJsonAsync<JsonElement>($"{baseUrl}/Users?filter={filter}");
                if (found.GetProperty("totalResults").GetInt32() > 0) return;
                using var made = await http.PostAsJsonAsync($"{baseUrl}/Users", user);
                if (made.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // No answer: it may have been created all the same.
            }
        }
        throw new InvalidOperationException($"{userName} could not be provisioned");
    }
}

/// <summary>A tenant; disposing of it drops it.</summary>
public sealed class MockScim : IAsyncDisposable
{
    private static readonly HttpClient Http = new();
    private static readonly Lazy<string> Root = new(FindRoot);
    private static Process? process; // kept: were it collected, the server's standard input would be closed

    private readonly string control;

    public string BaseUrl { get; private set; } = "";
    public string Token { get; private set; } = "";

    private MockScim(string control) => this.control = control;

    /// <summary>Make a tenant; options are profile, fixture, seed, strict, clock, ….</summary>
    public static async Task<MockScim> CreateAsync(object options)
    {
        var scim = new MockScim($"{Root.Value}/t/test-{Guid.NewGuid()}/_mockscim");
        scim.BaseUrl = (await scim.AskAsync(HttpMethod.Put, "", options)).GetProperty("base_url").GetString()!;
        scim.Token = (await scim.AskAsync(HttpMethod.Post, "/tokens", new { })).GetProperty("token").GetString()!;
        return scim;
    }

    /// <summary>Add a fault rule.</summary>
    public Task FaultAsync(object rule) => AskAsync(HttpMethod.Post, "/faults", rule);

    /// <summary>Fail unless the client did what is expected.</summary>
    public async Task VerifyAsync(object expected)
    {
        var verdict = await AskAsync(HttpMethod.Post, "/verify", expected);
        Assert.True(verdict.GetProperty("ok").GetBoolean(), verdict.GetProperty("explanation").GetString());
    }

    /// <summary>Fail if an invariant is broken.</summary>
    public async Task CheckAsync()
    {
        var judgement = await AskAsync(HttpMethod.Get, "/invariants", null);
        var broken = judgement.GetProperty("items").EnumerateArray()
            .Where(item => item.GetProperty("verdict").GetString() == "broken")
            .Select(item => $"{item.GetProperty("id")} {item.GetProperty("name")}: {item.GetProperty("why")}\n")
            .ToList();
        Assert.True(broken.Count == 0, $"{string.Concat(broken)}reproduce: {judgement.GetProperty("reproduce")}");
    }

    public async ValueTask DisposeAsync() => await AskAsync(HttpMethod.Delete, "", null);

    private async Task<JsonElement> AskAsync(HttpMethod method, string path, object? body)
    {
        using var request = new HttpRequestMessage(method, control + path);
        if (body is not null) request.Content = JsonContent.Create(body);
        if (Environment.GetEnvironmentVariable("MOCKSCIM_ADMIN_TOKEN") is { Length: > 0 } adminToken)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", adminToken);
        using var answer = await Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{method} {request.RequestUri}: {(int)answer.StatusCode} {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>
    /// The server at MOCKSCIM_URL, or one that is started when the first test asks. It ends with this process, however
    /// that ends: its standard input is closed then.
    /// </summary>
    private static string FindRoot()
    {
        var url = Environment.GetEnvironmentVariable("MOCKSCIM_URL");
        if (string.IsNullOrEmpty(url))
        {
            process = Process.Start(new ProcessStartInfo("mockscim", "serve --port 0 --exit-with-stdin")
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            })!;
            var ready = process.StandardOutput.ReadLine() ?? throw new IOException("mockscim did not start");
            url = JsonSerializer.Deserialize<JsonElement>(ready).GetProperty("base_url").GetString()!;
        }
        return Regex.Replace(url, "/*(scim/v2|_mockscim)?/*$", "");
    }
}
