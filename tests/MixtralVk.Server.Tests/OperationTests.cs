using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Server.Tests;

/// <summary>What an operator needs: HTTPS, limits per client, figures.</summary>
public sealed class OperationTests
{
    private const string Short = """{"messages":[{"role":"user","content":"Hello"}],"max_tokens":2}""";

    [Theory]
    [InlineData("pem")]
    [InlineData("pfx")]
    public async Task Https_is_served_with_a_certificate(string kind)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mixtralvk-");
        try
        {
            ServerOptions options = RunningServer.Options();
            options.CertificateFile = Path.Combine(folder.FullName, $"certificate.{kind}");
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using X509Certificate2 certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
                .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            if (kind == "pem")
            {
                options.CertificateKeyFile = Path.Combine(folder.FullName, "key.pem");
                await File.WriteAllTextAsync(options.CertificateFile, certificate.ExportCertificatePem());
                await File.WriteAllTextAsync(options.CertificateKeyFile, key.ExportPkcs8PrivateKeyPem());
            }
            else
            {
                options.CertificatePassword = "secret";
                await File.WriteAllBytesAsync(options.CertificateFile, certificate.Export(X509ContentType.Pkcs12, "secret"));
            }
            await using RunningServer server = await RunningServer.StartAsync(options,
                new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, shown, _, _) =>
                shown!.Thumbprint == certificate.Thumbprint });
            Assert.Equal("https", server.Address.Scheme);
            Assert.Equal(HttpStatusCode.OK, (await server.PostAsync("/v1/chat/completions", Short)).StatusCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_certificate_that_is_none_is_named()
    {
        ServerOptions options = RunningServer.Options();
        options.CertificateFile = options.ModelFile;
        Assert.Contains(options.ModelFile, Assert.Throws<ServerException>(() => MixtralServer.Create(options)).Message);
    }

    [Fact]
    public async Task A_client_that_asks_too_much_is_held_back()
    {
        ServerOptions options = RunningServer.Options();
        options.RequestsPerMinute = 3;
        await using RunningServer server = await RunningServer.StartAsync(options);
        for (int i = 0; i < 3; i++) Assert.Equal(HttpStatusCode.OK, (await server.PostAsync("/tokenize", """{"text":"a"}""")).StatusCode);
        server.Http.DefaultRequestHeaders.Add("Authorization", "Bearer another"); // without keys it makes nobody another client
        HttpResponseMessage refused = await server.PostAsync("/tokenize", """{"text":"a"}""");
        Assert.Equal("rate_limit_exceeded", (await RunningServer.AssertError(429, refused)).GetProperty("code").GetString());
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("/v1/models")).StatusCode);
    }

    [Fact]
    public async Task A_key_is_one_client_however_it_is_written()
    {
        using TemporaryFile keys = TemporaryFile.With("one-key\nother-key\n"u8);
        ServerOptions options = RunningServer.Options();
        (options.ApiKeyFile, options.RequestsPerMinute) = (keys.Path, 2);
        await using RunningServer server = await RunningServer.StartAsync(options);
        foreach ((string header, int status) in new[] { ("Bearer one-key", 200), ("bearer one-key", 200), ("BEARER   one-key", 429),
            ("Bearer other-key", 200) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/tokenize") { Content = new StringContent("""{"text":"a"}""", new MediaTypeHeaderValue("application/json")) };
            request.Headers.TryAddWithoutValidation("Authorization", header);
            Assert.Equal(status, (int)(await server.Http.SendAsync(request)).StatusCode);
        }
    }

    [Fact]
    public async Task Figures_are_kept()
    {
        await using RunningServer server = await RunningServer.StartAsync(RunningServer.Options());
        for (int i = 0; i < 2; i++) Assert.Equal(HttpStatusCode.OK, (await server.PostAsync("/v1/chat/completions", Short)).StatusCode);
        await server.PostAsync("/v1/chat/completions", "{");
        string metrics = await server.Http.GetStringAsync("/metrics");
        Assert.Contains("mixtralvk_generated_tokens_total", metrics);
        Assert.Contains("mixtralvk_first_token_duration_seconds_bucket", metrics);
        Assert.Contains("mixtralvk_requests_active", metrics);
        JsonElement state = JsonDocument.Parse(await server.Http.GetStringAsync("/ops/state")).RootElement;
        Assert.Equal(1, state.GetProperty("refused").GetInt32());
        Assert.Equal(2, state.GetProperty("first_tokens").GetArrayLength());
        Assert.True(state.GetProperty("cached_tokens").GetInt32() > 0);
    }

    [Fact]
    public async Task Figures_are_sent_by_otlp()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        await using WebApplication collector = builder.Build();
        var received = new TaskCompletionSource<string>();
        collector.MapPost("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", async context =>
        {
            using var body = new StreamReader(context.Request.Body, Encoding.Latin1);
            received.TrySetResult(await body.ReadToEndAsync());
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(new byte[5]); // an empty message
            context.Response.AppendTrailer("grpc-status", "0");
        });
        await collector.StartAsync();
        ServerOptions options = RunningServer.Options();
        options.OtlpEndpoint = new Uri(collector.Urls.First());
        await using (RunningServer server = await RunningServer.StartAsync(options))
            Assert.Equal(HttpStatusCode.OK, (await server.PostAsync("/v1/chat/completions", Short)).StatusCode);
        string figures = await received.Task.WaitAsync(TimeSpan.FromSeconds(30)); // at the latest when the server ends
        Assert.Contains("mixtralvk.generated.tokens", figures);
        Assert.Contains("mixtralvk.first_token.duration", figures);
    }

    [Fact]
    public async Task What_shared_experts_do_is_told()
    {
        ServerOptions options = RunningServer.Options();
        (options.Device, options.ExpertBudgetBytes) = (DeviceKind.Vulkan, 2 << 20); // of 4 MB of experts
        await using RunningServer server = await RunningServer.StartAsync(options);
        JsonElement state;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        do
        {
            Assert.Equal(HttpStatusCode.OK, (await server.PostAsync("/v1/chat/completions", Short)).StatusCode);
            await Task.Delay(100, patience.Token);
            state = JsonDocument.Parse(await server.Http.GetStringAsync("/ops/state")).RootElement;
        }
        while (!HitRates(state).Any(rate => rate is > 0 and < 1)); // a sample may hold a few choices only, all of a kind
        Assert.All(HitRates(state), rate => Assert.InRange(rate, 0, 1));
        string metrics = await server.Http.GetStringAsync("/metrics");
        Assert.Matches("mixtralvk_experts_hits_total{[^}]*layer=\"1\"", metrics);
        Assert.Matches("mixtralvk_experts_misses_total{[^}]*layer=\"1\"", metrics);

        static IEnumerable<double> HitRates(JsonElement state) =>
            state.GetProperty("samples").EnumerateArray().Where(sample => sample.TryGetProperty("expert_hit_rate", out _))
                .Select(sample => sample.GetProperty("expert_hit_rate").GetDouble());
    }

    [Theory]
    [InlineData("Prot", "1", "Prot")]
    [InlineData("Port", "x", "Port")]
    public void An_argument_that_is_no_setting_is_named(string name, string value, string mention) =>
        Assert.Contains(mention,
            Assert.Throws<ServerException>(() => ServerSettings.Read(null, [KeyValuePair.Create<string, string?>(name, value)])).Message);

    [Theory]
    [InlineData("""{ "name": "x", "colour": "red" }""", "colour")]
    [InlineData("""{ "languages": ["en", "tlh"] }""", "languages")]
    [InlineData("""{ "texts": "nowhere" }""", "nowhere")]
    [InlineData("""{ "logo": "nothing.svg" }""", "nothing.svg")]
    [InlineData("""{ "languages": null }""", "languages")]
    [InlineData("""{ "greeting": null }""", "greeting")]
    [InlineData("[", "kiosk")]
    public void A_kiosk_that_makes_no_sense_is_refused(string json, string mention)
    {
        string file = Path.Combine(Path.GetTempPath(), $"mixtralvk-kiosk-{Guid.NewGuid():N}.json");
        File.WriteAllText(file, json);
        try
        {
            ServerOptions options = RunningServer.Options();
            options.KioskFile = file;
            Assert.Contains(mention, Assert.Throws<ServerException>(() => MixtralServer.Create(options)).Message);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
