//! Conversations and their members.

use domain::conversation::Conversation;
use domain::protocol::http::{
    AddMembersRequest, BlocksPage, ConversationsPage, CreateConversationRequest, Member, MembersPage, PinsPage,
    PresencePage, PublicConversation, PublicConversationsPage, UpdateConversationRequest, UpdateMemberRequest,
};
use domain::settings::{ConversationSettings, SettingsChange};
use domain::{ConversationId, ConversationType, Custom, Presence, Role, Seq, Timestamp, UserId};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{Api, ApiError, NO_BODY, page_after};

#[derive(Deserialize)]
struct Created {
    conversation_id: ConversationId,
}

impl Api {
    /// Returns the private conversation with another user; creates it if there is none.
    pub async fn talk_to(&self, other: UserId) -> Result<ConversationId, ApiError> {
        self.create(ConversationType::Private, None, vec![other]).await
    }

    /// Creates a group with these members.
    pub async fn group(&self, title: &str, members: &[UserId]) -> Result<ConversationId, ApiError> {
        self.create(ConversationType::Group, Some(title), members.to_vec()).await
    }

    /// Creates a public conversation.
    pub async fn public(&self, title: &str) -> Result<ConversationId, ApiError> {
        self.create(ConversationType::Public, Some(title), Vec::new()).await
    }

    /// Joins a public conversation.
    pub async fn join(&self, conversation: ConversationId) -> Result<(), ApiError> {
        let path = format!("/v1/conversations/{conversation}/members/me");
        self.ask::<Value>(Method::PUT, &path, NO_BODY).await.map(drop)
    }

    /// Adds a user to a group.
    pub async fn add(&self, conversation: ConversationId, user: UserId) -> Result<(), ApiError> {
        let path = format!("/v1/conversations/{conversation}/members");
        let body = AddMembersRequest { user_ids: vec![user] };
        self.ask::<Value>(Method::POST, &path, Some(&body)).await.map(drop)
    }

    /// Removes a member; the user's own id leaves.
    pub async fn remove(&self, conversation: ConversationId, user: UserId) -> Result<(), ApiError> {
        let path = format!("/v1/conversations/{conversation}/members/{user}");
        self.ask::<Value>(Method::DELETE, &path, NO_BODY).await.map(drop)
    }

    /// Mutes a member until a time; `None` unmutes.
    pub async fn mute(
        &self,
        conversation: ConversationId,
        user: UserId,
        until: Option<Timestamp>,
    ) -> Result<(), ApiError> {
        let path = format!("/v1/conversations/{conversation}/members/{user}");
        let body = UpdateMemberRequest { role: None, muted_until: Some(until) };
        self.ask::<Value>(Method::PATCH, &path, Some(&body)).await.map(drop)
    }

    /// Gives a member a role.
    pub async fn set_role(&self, conversation: ConversationId, user: UserId, role: Role) -> Result<(), ApiError> {
        let path = format!("/v1/conversations/{conversation}/members/{user}");
        let body = UpdateMemberRequest { role: Some(role), muted_until: None };
        self.ask::<Value>(Method::PATCH, &path, Some(&body)).await.map(drop)
    }

    /// Sets what the app adds to a conversation; `None` removes it.
    pub async fn set_custom(&self, conversation: ConversationId, custom: Option<Custom>) -> Result<(), ApiError> {
        let body = UpdateConversationRequest { custom: Some(custom), ..UpdateConversationRequest::default() };
        self.ask::<Value>(Method::PATCH, &format!("/v1/conversations/{conversation}"), Some(&body)).await.map(drop)
    }

    /// Pins a message for everybody, or ends that.
    pub async fn pin(&self, conversation: ConversationId, seq: Seq, on: bool) -> Result<(), ApiError> {
        let method = if on { Method::PUT } else { Method::DELETE };
        self.ask::<Value>(method, &format!("/v1/conversations/{conversation}/pins/{seq}"), NO_BODY).await.map(drop)
    }

    /// Returns a page of the pinned messages, newest first.
    pub async fn pins(&self, conversation: ConversationId, cursor: Option<&str>) -> Result<PinsPage, ApiError> {
        self.ask(Method::GET, &format!("/v1/conversations/{conversation}/pins{}", page_after(cursor)), NO_BODY).await
    }

    /// Blocks a user in every conversation, or ends that. [`Event::Block`](crate::Event::Block) tells the user's devices.
    pub async fn block(&self, user: UserId, blocked: bool) -> Result<(), ApiError> {
        let method = if blocked { Method::PUT } else { Method::DELETE };
        self.ask::<Value>(method, &format!("/v1/blocks/{user}"), NO_BODY).await.map(drop)
    }

    /// Returns a page of the users whom the user blocks, in the order of their ids.
    pub async fn blocks(&self, cursor: Option<UserId>) -> Result<BlocksPage, ApiError> {
        self.ask(Method::GET, &format!("/v1/blocks{}", page_after(cursor)), NO_BODY).await
    }

    /// Changes title and topic; what is `None` stays.
    pub async fn describe(
        &self,
        conversation: ConversationId,
        title: Option<&str>,
        topic: Option<&str>,
    ) -> Result<(), ApiError> {
        let (title, topic) = (title.map(str::to_owned), topic.map(|topic| Some(topic.to_owned())));
        let body = UpdateConversationRequest { title, topic, ..UpdateConversationRequest::default() };
        self.ask::<Value>(Method::PATCH, &format!("/v1/conversations/{conversation}"), Some(&body)).await.map(drop)
    }

    /// Lets the messages of a conversation expire after so many days; `None` leaves that to the operator.
    pub async fn set_retention(&self, conversation: ConversationId, days: Option<u32>) -> Result<(), ApiError> {
        let body = UpdateConversationRequest { retention_days: Some(days), ..UpdateConversationRequest::default() };
        self.ask::<Value>(Method::PATCH, &format!("/v1/conversations/{conversation}"), Some(&body)).await.map(drop)
    }

    /// Changes the user's own settings of a conversation, and returns all of them.
    /// [`Event::Settings`](crate::Event::Settings) tells the user's devices. [`Client::read`](crate::Client::read) reports nothing
    /// twice, so `marked_unread` of a conversation without anything new ends by a change alone.
    pub async fn change_settings(
        &self,
        conversation: ConversationId,
        change: &SettingsChange,
    ) -> Result<ConversationSettings, ApiError> {
        self.ask(Method::PATCH, &format!("/v1/conversations/{conversation}/settings"), Some(change)).await
    }

    /// Closes a conversation: afterwards it can only be read and left.
    pub async fn close(&self, conversation: ConversationId) -> Result<(), ApiError> {
        self.ask::<Value>(Method::DELETE, &format!("/v1/conversations/{conversation}"), NO_BODY).await.map(drop)
    }

    /// Returns a conversation as the user sees it.
    pub async fn conversation(&self, conversation: ConversationId) -> Result<Conversation, ApiError> {
        self.ask(Method::GET, &format!("/v1/conversations/{conversation}"), NO_BODY).await
    }

    /// Returns all conversations of the user, oldest first; one request for 50 of them.
    pub async fn conversations(&self) -> Result<Vec<Conversation>, ApiError> {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/conversations?limit=50{next}");
            let page: ConversationsPage = self.ask(Method::GET, &path, NO_BODY).await?;
            all.extend(page.conversations);
            let Some(cursor) = page.cursor else { return Ok(all) };
            next = format!("&cursor={cursor}");
        }
    }

    /// Returns the newest public conversations whose titles or topics have these words, at most 50.
    pub async fn search(&self, words: &str) -> Result<Vec<PublicConversation>, ApiError> {
        let words = utf8_percent_encode(words, NON_ALPHANUMERIC);
        let path = format!("/v1/public-conversations?limit=50&q={words}");
        let page: PublicConversationsPage = self.ask(Method::GET, &path, NO_BODY).await?;
        Ok(page.conversations)
    }

    /// Returns up to 1,000 members of a conversation, ordered by user id.
    pub async fn members(&self, conversation: ConversationId) -> Result<Vec<Member>, ApiError> {
        let path = format!("/v1/conversations/{conversation}/members?limit=1000");
        let page: MembersPage = self.ask(Method::GET, &path, NO_BODY).await?;
        Ok(page.members)
    }

    /// Returns the presence of up to 100 members.
    pub async fn presence(&self, conversation: ConversationId) -> Result<Vec<Presence>, ApiError> {
        let path = format!("/v1/presence?conversation_id={conversation}");
        let page: PresencePage = self.ask(Method::GET, &path, NO_BODY).await?;
        Ok(page.members)
    }

    async fn create(
        &self,
        kind: ConversationType,
        title: Option<&str>,
        member_ids: Vec<UserId>,
    ) -> Result<ConversationId, ApiError> {
        let title = title.map(str::to_owned);
        let body = CreateConversationRequest { kind, title, topic: None, history: None, custom: None, member_ids };
        let created: Created = self.ask(Method::POST, "/v1/conversations", Some(&body)).await?;
        Ok(created.conversation_id)
    }
}
